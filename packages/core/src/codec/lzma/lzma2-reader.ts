import { DecodeError } from '../../errors/index.js';
import { type OutputBuffer, tooLarge } from '../output-buffer.js';
import { LzmaDecoder } from './decoder.js';
import { readProperties } from './model.js';
import { RangeDecoder } from './range-decoder.js';

const STEP_BYTES = 32 * 1024;

/**
 * Decodes LZMA2 chunks from `start` until the end mark, and returns the offset after it. A chunk is a control byte (what to
 * reset), its sizes, and LZMA data or the bytes themselves.
 */
export function* readLzma2(body: Buffer, start: number, out: OutputBuffer, maxBytes: number): Generator<void, number> {
  const decoder = new LzmaDecoder(out);
  let at = start;
  let needsDictionary = true;
  let needsProperties = true;
  for (;;) {
    const control = body[at];
    if (control === undefined) throw cutOff();
    if (control === 0) return at + 1;
    if (control === 1 || control >= 0xe0) {
      needsDictionary = false;
      decoder.resetDictionary();
    }
    if (needsDictionary) throw malformed();
    if (control < 0x80) {
      if (control > 2) throw malformed();
      at = store(body, at, out);
    } else {
      if (needsProperties && control < 0xc0) throw malformed();
      needsProperties = false;
      at = yield* decompress(body, at, control, decoder, out, maxBytes);
    }
    yield;
  }
}

/** A chunk of bytes that did not compress. */
function store(body: Buffer, at: number, out: OutputBuffer): number {
  const start = at + 3;
  if (start > body.length) throw cutOff();
  const end = start + body.readUInt16BE(at + 1) + 1;
  if (end > body.length) throw cutOff();
  const buffer = out.room(end - start);
  body.copy(buffer, out.length, start, end);
  out.length += end - start;
  return end;
}

function* decompress(
  body: Buffer,
  at: number,
  control: number,
  decoder: LzmaDecoder,
  out: OutputBuffer,
  maxBytes: number,
): Generator<void, number> {
  const hasProperties = control >= 0xc0;
  const start = at + (hasProperties ? 6 : 5);
  if (start > body.length) throw cutOff();
  const unpacked = ((control & 0x1f) << 16) + body.readUInt16BE(at + 1) + 1;
  const end = start + body.readUInt16BE(at + 3) + 1;
  if (end > body.length) throw cutOff();
  if (out.length + unpacked > maxBytes) throw tooLarge(maxBytes);
  if (hasProperties) {
    const properties = readProperties(body[at + 5] as number);
    if (properties === undefined || properties.lc + properties.lp > 4) throw malformed();
    decoder.resetState(properties);
  } else if (control >= 0xa0) {
    decoder.resetState();
  }
  const range = new RangeDecoder(body, start, end);
  const total = out.length + unpacked;
  while (out.length < total) {
    if (decoder.run(range, Math.min(total, out.length + STEP_BYTES), total)) throw malformed();
    yield;
  }
  if (!range.isFinished || range.at !== end) throw malformed();
  return end;
}

function malformed(): DecodeError {
  return new DecodeError('The xz body is malformed');
}

function cutOff(): DecodeError {
  return new DecodeError('The xz body is cut off');
}
