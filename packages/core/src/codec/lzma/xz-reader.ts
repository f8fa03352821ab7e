import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { DecodeError } from '../../errors/index.js';
import { OutputBuffer } from '../output-buffer.js';
import { crc64 } from './crc64.js';
import { readLzma2 } from './lzma2-reader.js';

/** The first bytes of every .xz stream. */
export const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

const HEADER_BYTES = 12;
const FILTER_LZMA2 = 0x21;
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

interface Block {
  readonly unpadded: number;
  readonly uncompressed: number;
}

/**
 * Decodes an .xz file ("The .xz File Format", version 1.2): one stream or several, of blocks that only the LZMA2 filter was used
 * for, which is what Python's `lzma.compress` and `xz` write. What follows the last stream is ignored, as Python does.
 */
export function* readXz(body: Buffer, maxBytes: number): Generator<void, Buffer> {
  const out = new OutputBuffer(maxBytes, body.length * 4);
  let at = 0;
  do {
    at = yield* readStream(body, at, out, maxBytes);
    while (body.length - at >= 4 && body.readUInt32LE(at) === 0) at += 4;
  } while (body.subarray(at, at + XZ_MAGIC.length).equals(XZ_MAGIC));
  return out.take();
}

function* readStream(body: Buffer, start: number, out: OutputBuffer, maxBytes: number): Generator<void, number> {
  if (body.length < start + HEADER_BYTES) throw cutOff();
  const flags = body.readUInt16BE(start + 6);
  if (flags > 0x0f || crc32(body.subarray(start + 6, start + 8)) !== body.readUInt32LE(start + 8)) throw malformed();
  const blocks: Block[] = [];
  let at = start + HEADER_BYTES;
  while (body[at] !== 0) at = yield* readBlock(body, at, flags, out, maxBytes, blocks);
  const indexStart = at;
  at = readIndex(body, at, blocks);
  if (body.length < at + HEADER_BYTES) throw cutOff();
  const footer = body.subarray(at, at + HEADER_BYTES);
  const isFooter =
    crc32(footer.subarray(4, 10)) === footer.readUInt32LE(0) &&
    (footer.readUInt32LE(4) + 1) * 4 === at - indexStart &&
    footer.readUInt16BE(8) === flags &&
    footer.toString('latin1', 10, 12) === 'YZ';
  if (!isFooter) throw malformed();
  return at + HEADER_BYTES;
}

function* readBlock(
  body: Buffer,
  start: number,
  check: number,
  out: OutputBuffer,
  maxBytes: number,
  blocks: Block[],
): Generator<void, number> {
  const size = body[start];
  if (size === undefined) throw cutOff();
  const dataStart = start + (size + 1) * 4;
  if (dataStart > body.length) throw cutOff();
  if (crc32(body.subarray(start, dataStart - 4)) !== body.readUInt32LE(dataStart - 4)) throw malformed();
  checkFilters(body.subarray(start + 1, dataStart - 4));
  const before = out.length;
  const dataEnd = yield* readLzma2(body, dataStart, out, maxBytes);
  const checkStart = dataEnd + ((4 - ((dataEnd - dataStart) & 3)) & 3);
  const checkEnd = checkStart + (CHECK_BYTES[check] as number);
  if (checkEnd > body.length) throw cutOff();
  yield* verify(check, out.buffer.subarray(before, out.length), body.subarray(checkStart, checkEnd));
  blocks.push({
    unpadded: dataEnd - start + (CHECK_BYTES[check] as number),
    uncompressed: out.length - before,
  });
  return checkEnd;
}

/** The rest of a block header: flags, optional sizes, and the filters, of which there has to be one: LZMA2. */
function checkFilters(header: Buffer): void {
  const flags = header[0] as number;
  let at = 1;
  if ((flags & 0x40) !== 0) at = readVli(header, at)[1];
  if ((flags & 0x80) !== 0) at = readVli(header, at)[1];
  if ((flags & 0x3f) !== 0 || header[at] !== FILTER_LZMA2 || header[at + 1] !== 1) {
    throw new DecodeError('The xz body uses a filter other than LZMA2, which is not supported');
  }
}

function* verify(check: number, bytes: Buffer, stored: Buffer): Generator<void> {
  if (check === 1 && crc32(bytes) !== stored.readUInt32LE()) throw damaged();
  if (check === 4 && !(yield* crc64(bytes)).equals(stored)) throw damaged();
  if (check === 10 && !createHash('sha256').update(bytes).digest().equals(stored)) throw damaged();
}

/** The index has to list the blocks that were read. */
function readIndex(body: Buffer, start: number, blocks: readonly Block[]): number {
  let [count, at] = readVli(body, start + 1);
  if (count !== blocks.length) throw malformed();
  for (const block of blocks) {
    let value: number;
    [value, at] = readVli(body, at);
    if (value !== block.unpadded) throw malformed();
    [value, at] = readVli(body, at);
    if (value !== block.uncompressed) throw malformed();
  }
  at += (4 - ((at - start) & 3)) & 3;
  if (body.length < at + 4) throw cutOff();
  if (crc32(body.subarray(start, at)) !== body.readUInt32LE(at)) throw malformed();
  return at + 4;
}

/** An integer of 7 bits a byte, lowest first, and the offset after it. */
function readVli(body: Buffer, start: number): [value: number, at: number] {
  let value = 0;
  for (let i = 0; i < 7; i++) {
    const byte = body[start + i];
    if (byte === undefined) throw cutOff();
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, start + i + 1];
  }
  throw malformed();
}

function malformed(): DecodeError {
  return new DecodeError('The xz body is malformed');
}

function damaged(): DecodeError {
  return new DecodeError('The xz body is damaged: its check value does not match');
}

function cutOff(): DecodeError {
  return new DecodeError('The xz body is cut off');
}
