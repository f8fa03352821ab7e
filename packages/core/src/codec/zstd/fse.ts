import { DecodeError } from '../../errors/index.js';
import type { BackwardBits } from './backward-bits.js';

/** A decoding table of Finite State Entropy: for each state a symbol, and how to get to the next state. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly next: Uint16Array;
}

/** The state after this one. */
export function nextState(table: FseTable, state: number, bits: BackwardBits): number {
  return (table.next[state] as number) + bits.read(table.bits[state] as number);
}

/** The table that always gives one symbol. */
export function singleSymbol(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), next: new Uint16Array(1) };
}

/** A table from how often each symbol occurs among 2^log states; -1: less than once (RFC 8878, section 4.1.1). */
export function buildTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const bits = new Uint8Array(size);
  const next = new Uint16Array(size);
  const seen = new Uint16Array(counts.length);
  let high = size;
  for (const [symbol, count] of counts.entries()) {
    seen[symbol] = Math.abs(count);
    if (count === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] as number;
    const occurrence = seen[symbol] as number;
    seen[symbol] = occurrence + 1;
    const width = log - (31 - Math.clz32(occurrence));
    bits[state] = width;
    next[state] = (occurrence << width) - size;
  }
  return { log, symbols, bits, next };
}

/** Reads a table's description, and returns the offset after it. */
export function readTable(
  body: Buffer,
  start: number,
  maxLog: number,
  maxSymbol: number,
): { table: FseTable; end: number } {
  let bit = start * 8;
  const read = (count: number): number => {
    const at = bit >>> 3;
    const word = (body[at] ?? 0) | ((body[at + 1] ?? 0) << 8) | ((body[at + 2] ?? 0) << 16);
    const value = (word >>> (bit & 7)) & ((1 << count) - 1);
    bit += count;
    return value;
  };
  const log = read(4) + 5;
  if (log > maxLog) throw malformed();
  const counts: number[] = [];
  let left = 1 << log;
  while (left > 0 && counts.length <= maxSymbol) {
    const width = 32 - Math.clz32(left + 1);
    const lowMask = (1 << (width - 1)) - 1;
    const threshold = (1 << width) - 1 - (left + 1);
    let value = read(width);
    if ((value & lowMask) < threshold) {
      bit--;
      value &= lowMask;
    } else if (value > lowMask) {
      value -= threshold;
    }
    const count = value - 1;
    left -= Math.abs(count);
    counts.push(count);
    if (count !== 0) continue;
    let repeat = 3;
    while (repeat === 3 && counts.length <= maxSymbol) {
      repeat = read(2);
      for (let i = 0; i < repeat; i++) counts.push(0);
    }
  }
  const end = (bit + 7) >>> 3;
  if (left !== 0 || counts.length > maxSymbol + 1 || end > body.length) throw malformed();
  return { table: buildTable(counts, log), end };
}

function malformed(): DecodeError {
  return new DecodeError('The zstd body is malformed');
}
