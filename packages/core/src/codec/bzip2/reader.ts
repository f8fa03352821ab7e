import { DecodeError } from '../../errors/index.js';
import { OutputBuffer } from '../output-buffer.js';
import { BitReader } from './bit-reader.js';
import { Column, readBlock, type SortedBlock } from './block-reader.js';
import { combineCrc, crcByte, EMPTY_CRC, finishCrc } from './crc.js';
import { BLOCK_MAGIC, END_MAGIC, RUN_START } from './format.js';

const BYTES_A_STEP = 32 * 1024;

/** Decodes bzip2 streams, one after another. What follows the last one is ignored, as Python does. */
export function* readBzip2(body: Buffer, maxBytes: number): Generator<void, Buffer> {
  if (!isStream(body, 0)) throw new DecodeError('The body is not bzip2');
  const out = new OutputBuffer(maxBytes, body.length * 4);
  let at = 0;
  while (isStream(body, at)) at = yield* readStream(body, at, out);
  return out.take();
}

function isStream(body: Buffer, at: number): boolean {
  const level = body[at + 3];
  return body.toString('latin1', at, at + 3) === 'BZh' && level !== undefined && level >= 0x31 && level <= 0x39;
}

function* readStream(body: Buffer, start: number, out: OutputBuffer): Generator<void, number> {
  const bits = new BitReader(body, start + 4);
  const column = new Column(((body[start + 3] as number) - 0x30) * 100_000);
  let streamCrc = 0;
  for (;;) {
    const high = bits.read(24);
    const low = bits.read(24);
    const crc = bits.read32();
    if (high === END_MAGIC[0] && low === END_MAGIC[1]) {
      if (crc !== streamCrc) throw damaged();
      return bits.nextByte;
    }
    if (high !== BLOCK_MAGIC[0] || low !== BLOCK_MAGIC[1]) throw new DecodeError('The bzip2 body is malformed');
    const block = yield* readBlock(bits, column);
    const blockCrc = yield* unsort(block, out);
    if (blockCrc !== crc) throw damaged();
    streamCrc = combineCrc(streamCrc, crc);
  }
}

/** Undoes the Burrows-Wheeler transform and the run lengths of the first stage; returns the CRC of what came out. */
function* unsort({ column, length, row }: SortedBlock, out: OutputBuffer): Generator<void, number> {
  link(column, length);
  yield;
  let crc = EMPTY_CRC;
  let next = (column[row] as number) >>> 8;
  let last = -1;
  let run = 0;
  let pause = BYTES_A_STEP;
  for (let i = 0; i < length; i++) {
    const entry = column[next] as number;
    const byte = entry & 0xff;
    next = entry >>> 8;
    if (run === RUN_START) {
      const buffer = out.room(byte);
      buffer.fill(last, out.length, out.length + byte);
      out.length += byte;
      for (let n = 0; n < byte; n++) crc = crcByte(crc, last);
      run = 0;
      last = -1;
      pause -= byte;
    } else {
      out.room(1)[out.length++] = byte;
      crc = crcByte(crc, byte);
      run = byte === last ? run + 1 : 1;
      last = byte;
      pause--;
    }
    if (pause <= 0) {
      yield;
      pause = BYTES_A_STEP;
    }
  }
  return finishCrc(crc);
}

/** Writes into the high 24 bits of each entry which row follows it: the n-th of a byte value in the last column is the n-th in the first. */
function link(column: Int32Array, length: number): void {
  const starts = new Int32Array(257);
  for (let i = 0; i < length; i++) {
    const slot = ((column[i] as number) & 0xff) + 1;
    starts[slot] = (starts[slot] as number) + 1;
  }
  for (let byte = 0; byte < 256; byte++) starts[byte + 1] = (starts[byte + 1] as number) + (starts[byte] as number);
  for (let i = 0; i < length; i++) {
    const byte = (column[i] as number) & 0xff;
    const row = starts[byte] as number;
    starts[byte] = row + 1;
    column[row] = ((column[row] as number) & 0xff) | (i << 8);
  }
}

function damaged(): DecodeError {
  return new DecodeError('The bzip2 body is damaged: its check value does not match');
}
