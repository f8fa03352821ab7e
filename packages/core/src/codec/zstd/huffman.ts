import { DecodeError } from '../../errors/index.js';
import { BackwardBits } from './backward-bits.js';
import { nextState, readTable } from './fse.js';

const MAX_BITS = 11;
const MAX_WEIGHTS = 255;

/** A Huffman decoding table: by the next `bits` bits the symbol, and how many of them are its code. */
export interface HuffmanTable {
  readonly bits: number;
  readonly symbols: Uint8Array;
  readonly lengths: Uint8Array;
}

/** Reads a table's description (RFC 8878, section 4.2.1), and returns the offset after it. */
export function readHuffman(body: Buffer, start: number): { table: HuffmanTable; end: number } {
  const header = body[start];
  if (header === undefined) throw malformed();
  if (header < 128) {
    const end = start + 1 + header;
    if (end > body.length) throw malformed();
    return { table: tableOf(readWeights(body.subarray(start + 1, end))), end };
  }
  const count = header - 127;
  const end = start + 1 + ((count + 1) >> 1);
  if (end > body.length) throw malformed();
  const weights: number[] = [];
  for (let i = 0; i < count; i++) {
    const pair = body[start + 1 + (i >> 1)] as number;
    weights.push(i % 2 === 0 ? pair >> 4 : pair & 15);
  }
  return { table: tableOf(weights), end };
}

/** Weights that are themselves coded, by two states in turn. */
function readWeights(part: Buffer): number[] {
  const { table, end } = readTable(part, 0, 6, MAX_BITS);
  const bits = new BackwardBits(part.subarray(end));
  const states = [bits.read(table.log), bits.read(table.log)] as [number, number];
  const weights: number[] = [];
  for (let turn = 0; weights.length < MAX_WEIGHTS; turn ^= 1) {
    const state = states[turn] as number;
    weights.push(table.symbols[state] as number);
    states[turn] = nextState(table, state, bits);
    if (bits.rest < 0) {
      weights.push(table.symbols[states[turn ^ 1] as number] as number);
      return weights;
    }
  }
  throw malformed();
}

/** The last symbol's weight is what is missing to a power of two. */
function tableOf(weights: number[]): HuffmanTable {
  let total = 0;
  for (const weight of weights) {
    if (weight > MAX_BITS) throw malformed();
    if (weight > 0) total += 1 << (weight - 1);
  }
  const bits = 32 - Math.clz32(total);
  if (total === 0 || bits > MAX_BITS || weights.length > MAX_WEIGHTS) throw malformed();
  const missing = (1 << bits) - total;
  if ((missing & (missing - 1)) !== 0) throw malformed();
  const all = [...weights, 32 - Math.clz32(missing)];
  const symbols = new Uint8Array(1 << bits);
  const lengths = new Uint8Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight++) {
    for (const [symbol, own] of all.entries()) {
      if (own !== weight) continue;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      lengths.fill(bits + 1 - weight, at, end);
      at = end;
    }
  }
  return { bits, symbols, lengths };
}

/** Decodes one stream that fills `target` exactly. */
export function decodeStream(table: HuffmanTable, stream: Buffer, target: Buffer): void {
  const bits = new BackwardBits(stream);
  for (let i = 0; i < target.length; i++) {
    const index = bits.peek(table.bits);
    target[i] = table.symbols[index] as number;
    bits.rest -= table.lengths[index] as number;
  }
  if (bits.rest !== 0) throw malformed();
}

function malformed(): DecodeError {
  return new DecodeError('The zstd body is malformed');
}
