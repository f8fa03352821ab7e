import { DecodeError } from '../../errors/index.js';
import type { BitReader } from './bit-reader.js';
import { GROUP_SIZE, MAX_TABLES, RUN_B } from './format.js';
import { HuffmanTable } from './huffman-reader.js';

const GROUPS_A_STEP = 200;

/** A block as it was sorted: the last column, one byte in each of the low 8 bits, and the row that is the original. */
export interface SortedBlock {
  readonly column: Int32Array;
  readonly length: number;
  readonly row: number;
}

/** Memory for the columns of one block after another, which grows to what the stream's level allows. */
export class Column {
  readonly #maxLength: number;
  bytes = new Int32Array(4096);

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Makes room for so many entries; throws where no block may have them. */
  room(length: number): Int32Array {
    if (length <= this.bytes.length) return this.bytes;
    if (length > this.#maxLength) throw malformed();
    const larger = new Int32Array(Math.min(this.#maxLength, Math.max(length, this.bytes.length * 2)));
    larger.set(this.bytes);
    this.bytes = larger;
    return larger;
  }
}

/** Reads one block after its CRC: the symbol map, the code tables, and the symbols, back through move-to-front and run lengths. */
export function* readBlock(bits: BitReader, memory: Column): Generator<void, SortedBlock> {
  if (bits.read(1) === 1) throw new DecodeError('The bzip2 body is of a version before 0.9.5, which is not supported');
  const row = bits.read(24);
  const front = readSymbolMap(bits);
  const alphabet = front.length + 2;
  const tableCount = bits.read(3);
  const selectorCount = bits.read(15);
  if (tableCount < 2 || tableCount > MAX_TABLES || selectorCount === 0) throw malformed();
  const selectors = readSelectors(bits, tableCount, selectorCount);
  const tables: HuffmanTable[] = [];
  for (let i = 0; i < tableCount; i++) tables.push(new HuffmanTable(readLengths(bits, alphabet)));

  const end = alphabet - 1;
  let column = memory.room(0);
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let group = 0; group < selectorCount; group++) {
    const table = tables[selectors[group] as number] as HuffmanTable;
    for (let i = 0; i < GROUP_SIZE; i++) {
      const symbol = table.read(bits);
      if (symbol <= RUN_B) {
        run += weight << symbol;
        weight <<= 1;
        if (length + run > column.length) column = memory.room(length + run);
        continue;
      }
      if (run > 0) {
        column.fill(front[0] as number, length, length + run);
        length += run;
        run = 0;
      }
      weight = 1;
      if (symbol === end) {
        if (row >= length) throw malformed();
        return { column, length, row };
      }
      if (length === column.length) column = memory.room(length + 1);
      const byte = front[symbol - 1] as number;
      front.copyWithin(1, 0, symbol - 1);
      front[0] = byte;
      column[length++] = byte;
    }
    if (group % GROUPS_A_STEP === GROUPS_A_STEP - 1) yield;
  }
  throw malformed();
}

/** The byte values that occur, in order: 16 bits for ranges of 16, then 16 bits for each range that occurs. */
function readSymbolMap(bits: BitReader): Uint8Array {
  const ranges = bits.read(16);
  const values: number[] = [];
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >>> range)) === 0) continue;
    const used = bits.read(16);
    for (let i = 0; i < 16; i++) if ((used & (0x8000 >>> i)) !== 0) values.push(range * 16 + i);
  }
  if (values.length === 0) throw malformed();
  return Uint8Array.from(values);
}

/** Which table each group uses, as move-to-front positions in unary. */
function readSelectors(bits: BitReader, tableCount: number, count: number): Uint8Array {
  const order = [0, 1, 2, 3, 4, 5];
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let position = 0;
    while (bits.read(1) === 1) if (++position >= tableCount) throw malformed();
    const [table] = order.splice(position, 1);
    order.unshift(table as number);
    selectors[i] = table as number;
  }
  return selectors;
}

/** Code lengths, each as steps up or down from the one before. */
function readLengths(bits: BitReader, alphabet: number): Uint8Array {
  const lengths = new Uint8Array(alphabet);
  let length = bits.read(5);
  for (let symbol = 0; symbol < alphabet; symbol++) {
    for (;;) {
      if (length < 1 || length > 20) throw malformed();
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return lengths;
}

function malformed(): DecodeError {
  return new DecodeError('The bzip2 body is malformed');
}
