import { MOVE_BITS, PROBABILITY_BITS, PROBABILITY_ONE, TOP } from './model.js';

/** The encoding half of the range coder: adaptive bits into a buffer. */
export class RangeEncoder {
  readonly #output: Buffer;
  #length = 0;
  #low = 0;
  #range = 0xffffffff;
  #cache = 0;
  #pending = 1;

  /** Writes into `output`, which must be large enough for what is encoded. */
  constructor(output: Buffer) {
    this.#output = output;
  }

  /** How long the output would be if it ended now. */
  get size(): number {
    return this.#length + this.#pending + 4;
  }

  bit(model: Uint16Array, index: number, bit: number): void {
    const probability = model[index] as number;
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    if (bit === 0) {
      this.#range = bound;
      model[index] = probability + ((PROBABILITY_ONE - probability) >>> MOVE_BITS);
    } else {
      this.#low += bound;
      this.#range -= bound;
      model[index] = probability - (probability >>> MOVE_BITS);
    }
    this.#normalize();
  }

  /** `bits` bits, highest first, by a binary tree of probabilities. */
  tree(model: Uint16Array, base: number, bits: number, value: number): void {
    let node = 1;
    for (let i = bits - 1; i >= 0; i--) {
      const bit = (value >>> i) & 1;
      this.bit(model, base + node, bit);
      node = (node << 1) | bit;
    }
  }

  /** `bits` bits, lowest first, by a binary tree of probabilities. */
  reverseTree(model: Uint16Array, base: number, bits: number, value: number): void {
    let node = 1;
    for (let i = 0; i < bits; i++) {
      const bit = (value >>> i) & 1;
      this.bit(model, base + node, bit);
      node = (node << 1) | bit;
    }
  }

  /** `bits` bits that are all equally likely. */
  direct(bits: number, value: number): void {
    for (let i = bits - 1; i >= 0; i--) {
      this.#range >>>= 1;
      if (((value >>> i) & 1) === 1) this.#low += this.#range;
      this.#normalize();
    }
  }

  /** Writes what is pending and returns the length of the output. */
  finish(): number {
    for (let i = 0; i < 5; i++) this.#shiftLow();
    return this.#length;
  }

  #normalize(): void {
    while (this.#range < TOP) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shiftLow();
    }
  }

  /** Puts out the highest byte, once it is known whether a carry still reaches it. */
  #shiftLow(): void {
    if (this.#low < 0xff000000 || this.#low > 0xffffffff) {
      const carry = this.#low > 0xffffffff ? 1 : 0;
      let byte = this.#cache;
      do {
        this.#output[this.#length++] = (byte + carry) & 0xff;
        byte = 0xff;
        this.#pending--;
      } while (this.#pending > 0);
      this.#cache = Math.floor(this.#low / 0x1000000) & 0xff;
    }
    this.#pending++;
    this.#low = (this.#low % 0x1000000) * 256;
  }
}
