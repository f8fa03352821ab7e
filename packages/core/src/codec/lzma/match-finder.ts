import { MAX_MATCH } from './model.js';

const { imul } = Math;

const MIN_LENGTH = 3;
const MAX_HASH_BITS = 20;
/** How many earlier places are looked at. */
const CHAIN_LENGTH = 24;
/** A match of this length ends the search. */
export const NICE_LENGTH = 96;

/** A place earlier in the input that goes on like the current one. */
export interface Match {
  length: number;
  /** How far back, less one. */
  distance: number;
}

/** Finds earlier occurrences by chains of places with the same hash of three bytes, over a window of a power of two. */
export class MatchFinder {
  readonly #input: Buffer;
  readonly #head: Int32Array;
  readonly #previous: Int32Array;
  readonly #mask: number;
  readonly #shift: number;
  #next = 0;

  constructor(input: Buffer, windowBytes: number) {
    this.#input = input;
    this.#mask = windowBytes - 1;
    this.#previous = new Int32Array(windowBytes);
    const hashBits = Math.min(MAX_HASH_BITS, 31 - Math.clz32(windowBytes));
    this.#head = new Int32Array(1 << hashBits).fill(-1);
    this.#shift = 32 - hashBits;
  }

  /** The longest match at `at`, at most `limit` long, in `found`; its length is 0 when there is none. All places before `at` count. */
  find(at: number, limit: number, found: Match): void {
    this.insertUpTo(at);
    found.length = 0;
    const most = Math.min(limit, MAX_MATCH);
    if (most < MIN_LENGTH) return;
    const input = this.#input;
    let candidate = this.#head[this.#hash(at)] as number;
    let best = MIN_LENGTH - 1;
    for (let tries = CHAIN_LENGTH; tries > 0 && candidate >= 0 && at - candidate <= this.#mask; tries--) {
      if (input[candidate + best] === input[at + best]) {
        const length = this.matchLength(candidate, at, most);
        if (length > best) {
          best = length;
          found.length = length;
          found.distance = at - candidate - 1;
          if (length >= NICE_LENGTH || length === most) return;
        }
      }
      const next = this.#previous[candidate & this.#mask] as number;
      if (next >= candidate) return;
      candidate = next;
    }
  }

  /** Makes all places before `at` findable. */
  insertUpTo(at: number): void {
    const last = Math.min(at, this.#input.length - MIN_LENGTH + 1);
    for (; this.#next < last; this.#next++) {
      const hash = this.#hash(this.#next);
      this.#previous[this.#next & this.#mask] = this.#head[hash] as number;
      this.#head[hash] = this.#next;
    }
  }

  /** How far two places go on alike. */
  matchLength(earlier: number, at: number, most: number): number {
    const input = this.#input;
    let length = 0;
    while (length < most && input[earlier + length] === input[at + length]) length++;
    return length;
  }

  #hash(at: number): number {
    const input = this.#input;
    const word = ((input[at] as number) << 16) | ((input[at + 1] as number) << 8) | (input[at + 2] as number);
    return imul(word, 0x9e3779b1) >>> this.#shift;
  }
}
