import { DecodeError } from '../../errors/index.js';
import type { OutputBuffer } from '../output-buffer.js';
import { BackwardBits } from './backward-bits.js';
import { nextState } from './fse.js';
import type { HuffmanTable } from './huffman.js';
import { readLiterals } from './literals.js';
import { LITERAL_CODES, MATCH_CODES, readSequencesHeader, type SequenceTables } from './sequences.js';

/** What one block of a frame leaves to the next. */
export class FrameState {
  readonly out: OutputBuffer;
  /** Where the frame begins in the output: nothing refers to what is before. */
  readonly start: number;
  /** The most bytes a block of this frame may stand for. */
  readonly maxBlockBytes: number;
  readonly offsets: [number, number, number] = [1, 4, 8];
  huffman: HuffmanTable | undefined;
  tables: SequenceTables | undefined;

  constructor(out: OutputBuffer, maxBlockBytes: number) {
    this.out = out;
    this.start = out.length;
    this.maxBlockBytes = maxBlockBytes;
  }
}

/** Decodes a compressed block (RFC 8878, section 3.1.1.3): literals, and sequences of literals to take and matches to copy. */
export function decodeBlock(block: Buffer, frame: FrameState): void {
  if (block.length < 2) throw malformed();
  const literals = readLiterals(block, frame.maxBlockBytes, frame.huffman);
  frame.huffman = literals.table;
  const section = block.subarray(literals.end);
  const header = readSequencesHeader(section, frame.tables);
  frame.tables = header.tables;
  const limit = frame.out.length + frame.maxBlockBytes;
  let taken = 0;
  if (header.count > 0) taken = runSequences(section.subarray(header.end), header.count, literals.bytes, frame, limit);
  else if (section.length !== header.end) throw malformed();
  append(frame.out, literals.bytes, taken, literals.bytes.length, limit);
}

/** Carries out the sequences; returns how many literals they took. */
function runSequences(stream: Buffer, count: number, literals: Buffer, frame: FrameState, limit: number): number {
  const { literals: literalTable, offsets: offsetTable, matches: matchTable } = frame.tables as SequenceTables;
  const bits = new BackwardBits(stream);
  let literalState = bits.read(literalTable.log);
  let offsetState = bits.read(offsetTable.log);
  let matchState = bits.read(matchTable.log);
  let taken = 0;
  for (let left = count; left > 0; left--) {
    const offsetCode = offsetTable.symbols[offsetState] as number;
    const matchCode = matchTable.symbols[matchState] as number;
    const literalCode = literalTable.symbols[literalState] as number;
    const offsetValue = 2 ** offsetCode + bits.readLong(offsetCode);
    const match = (MATCH_CODES.base[matchCode] as number) + bits.read(MATCH_CODES.bits[matchCode] as number);
    const length = (LITERAL_CODES.base[literalCode] as number) + bits.read(LITERAL_CODES.bits[literalCode] as number);
    if (left > 1) {
      literalState = nextState(literalTable, literalState, bits);
      matchState = nextState(matchTable, matchState, bits);
      offsetState = nextState(offsetTable, offsetState, bits);
    }
    if (bits.rest < 0 || taken + length > literals.length) throw malformed();
    append(frame.out, literals, taken, taken + length, limit);
    taken += length;
    copy(frame, nextOffset(frame.offsets, offsetValue, length), match, limit);
  }
  if (bits.rest !== 0) throw malformed();
  return taken;
}

/** The distance of a match: 1 to 3 stand for the last three, shifted by one when no literals come before; others are 3 more than it. */
function nextOffset(last: [number, number, number], value: number, literals: number): number {
  const index = value > 3 ? 3 : value - 1 + (literals === 0 ? 1 : 0);
  if (index === 0) return last[0];
  const offset = value > 3 ? value - 3 : index === 3 ? last[0] - 1 : (last[index] as number);
  if (index > 1) last[2] = last[1];
  last[1] = last[0];
  last[0] = offset;
  return offset;
}

function append(out: OutputBuffer, bytes: Buffer, from: number, to: number, limit: number): void {
  if (out.length + to - from > limit) throw malformed();
  const buffer = out.room(to - from);
  bytes.copy(buffer, out.length, from, to);
  out.length += to - from;
}

function copy(frame: FrameState, offset: number, length: number, limit: number): void {
  const { out } = frame;
  if (offset <= 0 || offset > out.length - frame.start || out.length + length > limit) throw malformed();
  const buffer = out.room(length);
  const from = out.length - offset;
  if (offset >= length) buffer.copyWithin(out.length, from, from + length);
  else for (let i = 0; i < length; i++) buffer[out.length + i] = buffer[from + i] as number;
  out.length += length;
}

function malformed(): DecodeError {
  return new DecodeError('The zstd body is malformed');
}
