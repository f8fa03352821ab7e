import { writeDistance } from './distance.js';
import { writeLength } from './length.js';
import { type Match, MatchFinder, NICE_LENGTH } from './match-finder.js';
import {
  AFTER_LITERAL_STATES,
  afterLiteral,
  afterMatch,
  afterRep,
  afterShortRep,
  freshModel,
  IS_MATCH,
  IS_REP,
  IS_REP_G0,
  IS_REP_G1,
  IS_REP_G2,
  IS_REP0_LONG,
  LITERAL,
  LITERAL_SIZE,
  MATCH_LENGTH,
  MAX_MATCH,
  MIN_MATCH,
  POS_STATES,
  type Properties,
  REP_LENGTH,
} from './model.js';
import type { RangeEncoder } from './range-encoder.js';

/** The usual properties: 3 literal context bits, 2 position bits. */
export const PROPERTIES: Properties = { lc: 3, lp: 0, pb: 2 };
/** Them as a byte. */
export const PROPERTIES_BYTE = (PROPERTIES.pb * 5 + PROPERTIES.lp) * 9 + PROPERTIES.lc;

const POSITION_MASK = (1 << PROPERTIES.pb) - 1;

/** Encodes an input as LZMA symbols: greedily, looking one byte ahead, and preferring the distances that were used last. */
export class LzmaEncoder {
  readonly #input: Buffer;
  readonly #finder: MatchFinder;
  readonly #found: Match = { length: 0, distance: 0 };
  readonly #ahead: Match = { length: 0, distance: 0 };
  readonly #reps: [number, number, number, number] = [0, 0, 0, 0];
  #model = freshModel(PROPERTIES);
  #state = 0;
  #at = 0;

  constructor(input: Buffer, windowBytes: number) {
    this.#input = input;
    this.#finder = new MatchFinder(input, windowBytes);
  }

  /** How much of the input has been encoded. */
  get at(): number {
    return this.#at;
  }

  /** Begins anew with the probabilities; what was encoded can still be referred to. */
  resetState(): void {
    this.#model = freshModel(PROPERTIES);
    this.#state = 0;
    this.#reps.fill(0);
  }

  /** Encodes one symbol, which may stand for up to 273 bytes, but none at or beyond `end`. */
  step(range: RangeEncoder, end: number): void {
    const at = this.#at;
    const limit = Math.min(end - at, MAX_MATCH);
    const rep = this.#bestRep(at, limit);
    const repLength = rep === -1 ? 0 : this.#repLength(rep, at, limit);
    if (repLength >= NICE_LENGTH) {
      this.#rep(range, rep, repLength);
      return;
    }
    this.#finder.find(at, limit, this.#found);
    const { length, distance } = this.#found;
    if (repLength >= MIN_MATCH && repLength + repBonus(distance) >= length) {
      this.#rep(range, rep, repLength);
      return;
    }
    const isWorthIt = length >= MIN_MATCH + 2 || (length === MIN_MATCH + 1 && distance < 0x4000);
    if (!isWorthIt || this.#isBetterAhead(at, limit, length, distance)) {
      this.#single(range);
      return;
    }
    this.#matchSymbol(range, length, distance);
  }

  /** Which of the last distances has the longest match, if any. */
  #bestRep(at: number, limit: number): number {
    let best = -1;
    let longest = MIN_MATCH - 1;
    for (let i = 0; i < 4; i++) {
      const length = this.#repLength(i, at, limit);
      if (length > longest) {
        longest = length;
        best = i;
        if (length >= NICE_LENGTH) break;
      }
    }
    return best;
  }

  #repLength(index: number, at: number, limit: number): number {
    const earlier = at - (this.#reps[index] as number) - 1;
    return earlier < 0 ? 0 : this.#finder.matchLength(earlier, at, limit);
  }

  /** Whether a literal now and the match at the next byte is the better choice. */
  #isBetterAhead(at: number, limit: number, length: number, distance: number): boolean {
    if (length >= 32 || limit < length + 2) return false;
    this.#finder.find(at + 1, limit - 1, this.#ahead);
    return this.#ahead.length > length + (this.#ahead.distance > distance * 64 ? 1 : 0);
  }

  #literalOrMatch(range: RangeEncoder, isMatch: 0 | 1): number {
    const position = this.#at & POSITION_MASK;
    range.bit(this.#model, IS_MATCH + this.#state * POS_STATES + position, isMatch);
    return position;
  }

  /** One byte: as a literal, or as a repeat of the last distance. */
  #single(range: RangeEncoder): void {
    const at = this.#at;
    const input = this.#input;
    const byte = input[at] as number;
    const matched = at > (this.#reps[0] as number) ? (input[at - this.#reps[0] - 1] as number) : -1;
    if (matched === byte && this.#state >= AFTER_LITERAL_STATES) {
      const position = this.#literalOrMatch(range, 1);
      range.bit(this.#model, IS_REP + this.#state, 1);
      range.bit(this.#model, IS_REP_G0 + this.#state, 0);
      range.bit(this.#model, IS_REP0_LONG + this.#state * POS_STATES + position, 0);
      this.#state = afterShortRep(this.#state);
    } else {
      this.#literalOrMatch(range, 0);
      const previous = at > 0 ? (input[at - 1] as number) : 0;
      const base = LITERAL + LITERAL_SIZE * (previous >> (8 - PROPERTIES.lc));
      if (this.#state < AFTER_LITERAL_STATES) range.tree(this.#model, base, 8, byte);
      else this.#matchedLiteral(range, base, byte, matched);
      this.#state = afterLiteral(this.#state);
    }
    this.#at++;
  }

  #matchedLiteral(range: RangeEncoder, base: number, byte: number, matched: number): void {
    let offset = 0x100;
    let symbol = 1;
    let rest = matched;
    for (let i = 7; i >= 0; i--) {
      rest <<= 1;
      const expected = rest & offset;
      const bit = (byte >>> i) & 1;
      range.bit(this.#model, base + offset + expected + symbol, bit);
      symbol = (symbol << 1) | bit;
      offset &= bit === 1 ? expected : ~expected;
    }
  }

  #rep(range: RangeEncoder, index: number, length: number): void {
    const model = this.#model;
    const state = this.#state;
    const position = this.#literalOrMatch(range, 1);
    range.bit(model, IS_REP + state, 1);
    range.bit(model, IS_REP_G0 + state, index === 0 ? 0 : 1);
    if (index === 0) {
      range.bit(model, IS_REP0_LONG + state * POS_STATES + position, 1);
    } else {
      range.bit(model, IS_REP_G1 + state, index === 1 ? 0 : 1);
      if (index > 1) range.bit(model, IS_REP_G2 + state, index - 2);
      const distance = this.#reps[index] as number;
      for (let i = index; i > 0; i--) this.#reps[i] = this.#reps[i - 1] as number;
      this.#reps[0] = distance;
    }
    writeLength(range, model, REP_LENGTH, position, length);
    this.#state = afterRep(state);
    this.#at += length;
  }

  #matchSymbol(range: RangeEncoder, length: number, distance: number): void {
    const model = this.#model;
    const position = this.#literalOrMatch(range, 1);
    range.bit(model, IS_REP + this.#state, 0);
    writeLength(range, model, MATCH_LENGTH, position, length);
    writeDistance(range, model, length, distance);
    const [rep0, rep1, rep2] = this.#reps;
    this.#reps[3] = rep2;
    this.#reps[2] = rep1;
    this.#reps[1] = rep0;
    this.#reps[0] = distance;
    this.#state = afterMatch(this.#state);
    this.#at += length;
  }
}

/** How much longer a match has to be than a repeat, given how many bits its distance takes. */
function repBonus(distance: number): number {
  if (distance > 0x8000) return 3;
  return distance > 0x200 ? 2 : 1;
}
