import { DecodeError } from '../../errors/index.js';
import type { BitReader } from './bit-reader.js';

const MAX_LENGTH = 20;

/** A table of canonical Huffman codes, for decoding. */
export class HuffmanTable {
  /** By code length: the largest code of it, as a number; -1 for none. */
  readonly #limit = new Int32Array(MAX_LENGTH + 2).fill(-1);
  /** By code length: what to take from a code to get its index among the symbols in order of their codes. */
  readonly #base = new Int32Array(MAX_LENGTH + 2);
  readonly #symbols: Uint16Array;
  readonly #shortest: number;

  constructor(lengths: Uint8Array) {
    const counts = new Int32Array(MAX_LENGTH + 2);
    for (const length of lengths) counts[length] = (counts[length] as number) + 1;
    this.#symbols = new Uint16Array(lengths.length);
    let index = 0;
    for (let length = 1; length <= MAX_LENGTH; length++) {
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] === length) this.#symbols[index++] = symbol;
      }
    }
    let code = 0;
    let before = 0;
    for (let length = 1; length <= MAX_LENGTH; length++) {
      const count = counts[length] as number;
      this.#base[length] = code - before;
      if (count > 0) this.#limit[length] = code + count - 1;
      code = (code + count) << 1;
      before += count;
    }
    this.#shortest = counts.findIndex((count, length) => length > 0 && count > 0);
  }

  /** The next symbol. */
  read(bits: BitReader): number {
    let length = this.#shortest;
    let code = bits.read(length);
    while (code > (this.#limit[length] as number)) {
      if (++length > MAX_LENGTH) throw new DecodeError('The bzip2 body is malformed');
      code = (code << 1) | bits.read(1);
    }
    const symbol = this.#symbols[code - (this.#base[length] as number)];
    if (symbol === undefined) throw new DecodeError('The bzip2 body is malformed');
    return symbol;
  }
}
