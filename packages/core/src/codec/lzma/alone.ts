import { DecodeError } from '../../errors/index.js';
import { OutputBuffer, tooLarge } from '../output-buffer.js';
import { LzmaDecoder } from './decoder.js';
import { readProperties } from './model.js';
import { RangeDecoder } from './range-decoder.js';

const HEADER_BYTES = 13;
const UNKNOWN_SIZE = 0xffffffffffffffffn;
const STEP_BYTES = 32 * 1024;

/** Decodes the legacy .lzma format: properties, dictionary size, original size (or all ones, and then an end marker), data. */
export function* readAlone(body: Buffer, maxBytes: number): Generator<void, Buffer> {
  const properties = body.length >= HEADER_BYTES ? readProperties(body[0] as number) : undefined;
  if (properties === undefined || properties.lc + properties.lp > 4) {
    throw new DecodeError('The body is neither xz nor lzma');
  }
  const size = body.readBigUInt64LE(5);
  if (size !== UNKNOWN_SIZE && size > BigInt(maxBytes)) throw tooLarge(maxBytes);
  const end = size === UNKNOWN_SIZE ? Number.POSITIVE_INFINITY : Number(size);
  const out = new OutputBuffer(maxBytes, Math.min(end, body.length * 8));
  const range = new RangeDecoder(body, HEADER_BYTES, body.length);
  const decoder = new LzmaDecoder(out);
  decoder.resetState(properties);
  while (out.length < end) {
    if (decoder.run(range, Math.min(end, out.length + STEP_BYTES), end)) {
      if (size === UNKNOWN_SIZE) return out.take();
      throw new DecodeError('The lzma body is shorter than it says');
    }
    yield;
  }
  return out.take();
}
