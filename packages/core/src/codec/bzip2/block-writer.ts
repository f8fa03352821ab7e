import type { BitWriter } from './bit-writer.js';
import { GROUP_SIZE, RUN_A, RUN_B } from './format.js';
import { canonicalCodes, codeLengths } from './huffman-lengths.js';

const ROUNDS = 4;
const GROUPS_A_STEP = 400;

/** The symbols of a block after move-to-front and run lengths, and which bytes they stand for. */
interface Symbols {
  readonly used: readonly number[];
  readonly symbols: Uint16Array;
  readonly alphabet: number;
}

/** Writes what comes after a block's CRC and row: the symbol map, the code tables and the symbols. */
export function* writeBlock(bits: BitWriter, column: Uint8Array): Generator<void> {
  const { used, symbols, alphabet } = moveToFront(column);
  yield;
  const tables = firstTables(symbols, alphabet);
  let selectors = new Uint8Array(0);
  for (let round = 0; round < ROUNDS; round++) selectors = yield* refine(tables, symbols, alphabet);
  writeSymbolMap(bits, used);
  bits.write(tables.length, 3);
  bits.write(selectors.length, 15);
  writeSelectors(bits, selectors, tables.length);
  for (const lengths of tables) writeLengths(bits, lengths);
  const codes = tables.map(canonicalCodes);
  for (let group = 0; group < selectors.length; group++) {
    const table = selectors[group] as number;
    const lengths = tables[table] as Uint8Array;
    const code = codes[table] as Int32Array;
    for (let i = group * GROUP_SIZE; i < Math.min(symbols.length, (group + 1) * GROUP_SIZE); i++) {
      const symbol = symbols[i] as number;
      bits.write(code[symbol] as number, lengths[symbol] as number);
    }
    if (group % GROUPS_A_STEP === GROUPS_A_STEP - 1) yield;
  }
}

/** Positions in a list whose used entry moves to the front; runs of position 0 as numbers with the digits 1 and 2. */
function moveToFront(column: Uint8Array): Symbols {
  const isUsed = new Uint8Array(256);
  for (const byte of column) isUsed[byte] = 1;
  const used: number[] = [];
  for (let byte = 0; byte < 256; byte++) if (isUsed[byte] === 1) used.push(byte);
  const front = Uint8Array.from(used);
  const symbols = new Uint16Array(column.length + 1);
  let count = 0;
  let run = 0;
  const endRun = (): void => {
    for (; run > 0; run = (run - 1) >>> 1) symbols[count++] = run % 2 === 1 ? RUN_A : RUN_B;
  };
  for (const byte of column) {
    const position = front.indexOf(byte);
    if (position === 0) {
      run++;
      continue;
    }
    endRun();
    front.copyWithin(1, 0, position);
    front[0] = byte;
    symbols[count++] = position + 1;
  }
  endRun();
  symbols[count++] = used.length + 1;
  return { used, symbols: symbols.subarray(0, count), alphabet: used.length + 2 };
}

/** As many tables as the number of symbols is worth, each at first for a part of the alphabet that occurs about equally often. */
function firstTables(symbols: Uint16Array, alphabet: number): Uint8Array[] {
  const counts = new Int32Array(alphabet);
  for (const symbol of symbols) counts[symbol] = (counts[symbol] as number) + 1;
  const n = symbols.length;
  const tableCount = n < 200 ? 2 : n < 600 ? 3 : n < 1200 ? 4 : n < 2400 ? 5 : 6;
  const tables: Uint8Array[] = [];
  let symbol = 0;
  let rest = n;
  for (let left = tableCount; left > 0; left--) {
    const lengths = new Uint8Array(alphabet).fill(15);
    for (let share = Math.floor(rest / left); share > 0 && symbol < alphabet; symbol++) {
      const occurs = counts[symbol] as number;
      share -= occurs;
      rest -= occurs;
      lengths[symbol] = 1;
    }
    tables.push(lengths);
  }
  return tables;
}

/** Gives each group the table that codes it shortest, and then each table the code that suits its groups best, in place. */
function* refine(
  tables: Uint8Array[],
  symbols: Uint16Array,
  alphabet: number,
): Generator<void, Uint8Array<ArrayBuffer>> {
  const selectors = new Uint8Array(Math.ceil(symbols.length / GROUP_SIZE));
  const counts = tables.map(() => new Int32Array(alphabet));
  for (let group = 0; group < selectors.length; group++) {
    const part = symbols.subarray(group * GROUP_SIZE, (group + 1) * GROUP_SIZE);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let table = 0; table < tables.length; table++) {
      const lengths = tables[table] as Uint8Array;
      let cost = 0;
      for (let i = 0; i < part.length; i++) cost += lengths[part[i] as number] as number;
      if (cost < least) {
        least = cost;
        best = table;
      }
    }
    selectors[group] = best;
    const count = counts[best] as Int32Array;
    for (const symbol of part) count[symbol] = (count[symbol] as number) + 1;
    if (group % GROUPS_A_STEP === GROUPS_A_STEP - 1) yield;
  }
  for (const [table, count] of counts.entries()) tables[table] = codeLengths(count);
  return selectors;
}

function writeSymbolMap(bits: BitWriter, used: readonly number[]): void {
  const ranges = new Uint16Array(16);
  for (const byte of used) ranges[byte >> 4] = (ranges[byte >> 4] as number) | (0x8000 >>> (byte & 15));
  bits.write(
    ranges.reduce((map, range, i) => (range === 0 ? map : map | (0x8000 >>> i)), 0),
    16,
  );
  for (const range of ranges) if (range !== 0) bits.write(range, 16);
}

/** Move-to-front positions in unary. */
function writeSelectors(bits: BitWriter, selectors: Uint8Array, tableCount: number): void {
  const order = Array.from({ length: tableCount }, (_, i) => i);
  for (const table of selectors) {
    const position = order.indexOf(table);
    order.splice(position, 1);
    order.unshift(table);
    for (let i = 0; i < position; i++) bits.write(1, 1);
    bits.write(0, 1);
  }
}

/** The first length, then for each symbol the steps up (10) or down (11) to it, and a 0. */
function writeLengths(bits: BitWriter, lengths: Uint8Array): void {
  let current = lengths[0] as number;
  bits.write(current, 5);
  for (const length of lengths) {
    for (; current < length; current++) bits.write(0b10, 2);
    for (; current > length; current--) bits.write(0b11, 2);
    bits.write(0, 1);
  }
}
