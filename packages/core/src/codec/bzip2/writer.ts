import { BitWriter } from './bit-writer.js';
import { writeBlock } from './block-writer.js';
import { transform } from './burrows-wheeler.js';
import { combineCrc, crcByte, EMPTY_CRC, finishCrc } from './crc.js';
import { BLOCK_MAGIC, END_MAGIC, RUN_START } from './format.js';

/** Blocks of 400 kB: little is lost against 900 kB, and a step of the sorting takes half as long. */
const LEVEL = 4;
const BLOCK_BYTES = LEVEL * 100_000 - 19;
const MAX_RUN = 255;
const BYTES_A_STEP = 256 * 1024;

/** Writes a bzip2 stream. */
export function* writeBzip2(body: Buffer): Generator<void, Buffer> {
  const bits = new BitWriter();
  for (const character of `BZh${LEVEL}`) bits.write(character.charCodeAt(0), 8);
  let streamCrc = 0;
  let at = 0;
  while (at < body.length) {
    const { block, end } = yield* shortenRuns(body, at);
    const crc = yield* crcOf(body, at, end);
    at = end;
    const { column, row } = yield* transform(block);
    for (const part of BLOCK_MAGIC) bits.write(part, 24);
    bits.write32(crc);
    bits.write(0, 1);
    bits.write(row, 24);
    yield* writeBlock(bits, column);
    streamCrc = combineCrc(streamCrc, crc);
  }
  for (const part of END_MAGIC) bits.write(part, 24);
  bits.write32(streamCrc);
  return bits.take();
}

/** As much as fits into a block once each run of four or more equal bytes is four of them and a count of the others. */
function* shortenRuns(body: Buffer, start: number): Generator<void, { block: Uint8Array; end: number }> {
  const block = new Uint8Array(Math.min(BLOCK_BYTES, Math.ceil((body.length - start) * 1.25) + RUN_START));
  let length = 0;
  let at = start;
  let pause = at + BYTES_A_STEP;
  while (at < body.length && length + RUN_START < block.length) {
    const byte = body[at] as number;
    let run = 1;
    while (run < MAX_RUN && body[at + run] === byte) run++;
    for (let i = 0; i < Math.min(run, RUN_START); i++) block[length++] = byte;
    if (run >= RUN_START) block[length++] = run - RUN_START;
    at += run;
    if (at >= pause) {
      yield;
      pause = at + BYTES_A_STEP;
    }
  }
  return { block: block.subarray(0, length), end: at };
}

function* crcOf(body: Buffer, start: number, end: number): Generator<void, number> {
  let crc = EMPTY_CRC;
  for (let at = start; at < end; at += BYTES_A_STEP) {
    const pause = Math.min(end, at + BYTES_A_STEP);
    for (let i = at; i < pause; i++) crc = crcByte(crc, body[i] as number);
    yield;
  }
  return finishCrc(crc);
}
