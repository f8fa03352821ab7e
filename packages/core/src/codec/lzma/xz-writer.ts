import { crc32 } from 'node:zlib';
import { ByteWriter } from '../byte-writer.js';
import { LzmaEncoder, PROPERTIES_BYTE } from './encoder.js';
import { RangeEncoder } from './range-encoder.js';
import { XZ_MAGIC } from './xz-reader.js';

const CHECK_CRC32 = 1;
const MAX_CHUNK = 2 * 1024 * 1024;
const MAX_PACKED = 64 * 1024;
/** More than one symbol can add to the packed size. */
const MARGIN = 64;
const STEP_BYTES = 8 * 1024;
const MIN_WINDOW_BITS = 12;
const MAX_WINDOW_BITS = 22;

/** Writes an .xz file of one block ("The .xz File Format", version 1.2), with LZMA2 and a CRC32 check. */
export function* writeXz(body: Buffer): Generator<void, Buffer> {
  const out = new ByteWriter();
  const flags = Buffer.from([0, CHECK_CRC32]);
  out.bytes(XZ_MAGIC);
  out.bytes(flags);
  writeUint32(out, crc32(flags));
  const index: number[] = [];
  if (body.length > 0) {
    const start = out.length;
    const windowBits = Math.min(MAX_WINDOW_BITS, Math.max(MIN_WINDOW_BITS, 32 - Math.clz32(body.length - 1)));
    out.bytes(blockHeader(windowBits));
    yield* writeLzma2(out, body, 1 << windowBits);
    index.push(out.length - start + 4, body.length);
    while ((out.length - start) % 4 > 0) out.u8(0);
    writeUint32(out, crc32(body));
  }
  const indexBytes = indexOf(index);
  out.bytes(indexBytes);
  const footer = Buffer.alloc(6);
  footer.writeUInt32LE(indexBytes.length / 4 - 1);
  flags.copy(footer, 4);
  writeUint32(out, crc32(footer));
  out.bytes(footer);
  out.bytes(Buffer.from('YZ'));
  return out.take();
}

/** One filter, LZMA2, whose property is the size of the dictionary. */
function blockHeader(windowBits: number): Buffer {
  const header = Buffer.from([2, 0, 0x21, 1, windowBits * 2 - 24, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(crc32(header.subarray(0, 8)), 8);
  return header;
}

function indexOf(sizes: readonly number[]): Buffer {
  const bytes = [0, sizes.length / 2];
  for (const size of sizes) {
    let rest = size;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
    bytes.push(rest);
  }
  while (bytes.length % 4 > 0) bytes.push(0);
  const index = Buffer.alloc(bytes.length + 4);
  index.set(bytes);
  index.writeUInt32LE(crc32(index.subarray(0, bytes.length)), bytes.length);
  return index;
}

/** Chunks of up to 2 MiB that pack into 64 KiB. A chunk that did not shrink is stored, and then the state begins anew. */
function* writeLzma2(out: ByteWriter, body: Buffer, windowBytes: number): Generator<void> {
  const encoder = new LzmaEncoder(body, windowBytes);
  const packed = Buffer.allocUnsafe(MAX_PACKED);
  let reset: 'dictionary' | 'properties' | 'state' | 'none' = 'dictionary';
  while (encoder.at < body.length) {
    const start = encoder.at;
    const end = Math.min(body.length, start + MAX_CHUNK);
    const range = new RangeEncoder(packed);
    let pause = start + STEP_BYTES;
    while (encoder.at < end && range.size < MAX_PACKED - MARGIN) {
      encoder.step(range, end);
      if (encoder.at >= pause) {
        yield;
        pause = encoder.at + STEP_BYTES;
      }
    }
    const size = range.finish();
    const unpacked = encoder.at - start;
    if (size < unpacked) {
      const control = { dictionary: 0xe0, properties: 0xc0, state: 0xa0, none: 0x80 }[reset];
      writeChunkHeader(out, control | ((unpacked - 1) >>> 16), unpacked - 1, size - 1);
      if (control >= 0xc0) out.u8(PROPERTIES_BYTE);
      out.bytes(packed.subarray(0, size));
      reset = 'none';
    } else {
      writeChunkHeader(out, reset === 'dictionary' ? 1 : 2, unpacked - 1);
      out.bytes(body.subarray(start, encoder.at));
      encoder.resetState();
      reset = reset === 'dictionary' || reset === 'properties' ? 'properties' : 'state';
    }
  }
  out.u8(0);
}

function writeChunkHeader(out: ByteWriter, control: number, unpacked: number, packed?: number): void {
  out.u8(control);
  out.u8((unpacked >>> 8) & 0xff);
  out.u8(unpacked & 0xff);
  if (packed === undefined) return;
  out.u8(packed >>> 8);
  out.u8(packed & 0xff);
}

function writeUint32(out: ByteWriter, value: number): void {
  const [buffer, at] = out.reserve(4);
  buffer.writeUInt32LE(value, at);
}
