import { DecodeError } from '../../errors/index.js';
import { MOVE_BITS, PROBABILITY_BITS, PROBABILITY_ONE, TOP } from './model.js';

/** The decoding half of the range coder: bits out of bytes, by adaptive probabilities. */
export class RangeDecoder {
  readonly #input: Buffer;
  readonly #end: number;
  #at: number;
  #range = 0xffffffff;
  #code = 0;

  /** Starts at `start`: five bytes, of which the first is zero. The input ends before `end`. */
  constructor(input: Buffer, start: number, end: number) {
    this.#input = input;
    this.#end = end;
    this.#at = start + 5;
    if (this.#at > end) throw new DecodeError('The lzma body is cut off');
    if (input[start] !== 0) throw new DecodeError('The lzma body is malformed');
    this.#code = input.readUInt32BE(start + 1);
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at;
  }

  /** Whether more was read than there is. Bytes beyond the end are zeros, so look at this after every symbol. */
  get isCutOff(): boolean {
    return this.#at > this.#end;
  }

  /** Whether the code is used up, as it is at the end of every stream. */
  get isFinished(): boolean {
    this.#normalize();
    return this.#code === 0;
  }

  /** One bit by the probability at `index`, which adapts. */
  bit(model: Uint16Array, index: number): 0 | 1 {
    if (this.#range < TOP) this.#normalize();
    const probability = model[index] as number;
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      model[index] = probability + ((PROBABILITY_ONE - probability) >>> MOVE_BITS);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    model[index] = probability - (probability >>> MOVE_BITS);
    return 1;
  }

  /** `bits` bits, highest first, by a binary tree of probabilities. */
  tree(model: Uint16Array, base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.bit(model, base + node);
    return node - (1 << bits);
  }

  /** `bits` bits, lowest first, by a binary tree of probabilities. */
  reverseTree(model: Uint16Array, base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(model, base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  /** `bits` bits that are all equally likely. */
  direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.#normalize();
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      value = (value << 1) | bit;
    }
    return value;
  }

  #normalize(): void {
    if (this.#range >= TOP) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | (this.#at < this.#end ? (this.#input[this.#at] as number) : 0)) >>> 0;
    this.#at++;
  }
}
