import { DecodeError } from '../../errors/index.js';
import type { OutputBuffer } from '../output-buffer.js';
import { readDistance } from './distance.js';
import { readLength } from './length.js';
import {
  AFTER_LITERAL_STATES,
  afterLiteral,
  afterMatch,
  afterRep,
  afterShortRep,
  END_MARKER,
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
  POS_STATES,
  type Properties,
  REP_LENGTH,
} from './model.js';
import type { RangeDecoder } from './range-decoder.js';

/** Decodes LZMA symbols into an output buffer, which is its dictionary. */
export class LzmaDecoder {
  readonly #out: OutputBuffer;
  #properties: Properties = { lc: 0, lp: 0, pb: 0 };
  #model = new Uint16Array(0);
  #dictionaryStart: number;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;

  constructor(out: OutputBuffer) {
    this.#out = out;
    this.#dictionaryStart = out.length;
  }

  /** Forgets what has been put out: from here on nothing before refers to it. */
  resetDictionary(): void {
    this.#dictionaryStart = this.#out.length;
  }

  /** Begins anew with the probabilities, and with other properties if given. */
  resetState(properties: Properties = this.#properties): void {
    this.#properties = properties;
    this.#model = freshModel(properties);
    this.#state = 0;
    this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0;
  }

  /**
   * Decodes until at least `until` bytes have been put out, or the end marker is met (then it returns true). No symbol may
   * reach beyond `end`.
   */
  run(range: RangeDecoder, until: number, end: number): boolean {
    const out = this.#out;
    while (out.length < until) {
      const position = (out.length - this.#dictionaryStart) & ((1 << this.#properties.pb) - 1);
      if (range.bit(this.#model, IS_MATCH + this.#state * POS_STATES + position) === 0) {
        this.#literal(range);
      } else {
        const length = this.#match(range, position);
        if (length === -1) return true;
        if (length > end - out.length) throw malformed();
        this.#copy(length);
      }
      if (range.isCutOff) throw new DecodeError('The lzma body is cut off');
    }
    return false;
  }

  #literal(range: RangeDecoder): void {
    const out = this.#out;
    const buffer = out.room(1);
    const { lc, lp } = this.#properties;
    const written = out.length - this.#dictionaryStart;
    const previous = written > 0 ? (buffer[out.length - 1] as number) : 0;
    const base = LITERAL + LITERAL_SIZE * (((written & ((1 << lp) - 1)) << lc) + (previous >> (8 - lc)));
    const model = this.#model;
    let symbol = 1;
    if (this.#state >= AFTER_LITERAL_STATES) {
      this.#checkDistance();
      let matched = buffer[out.length - this.#rep0 - 1] as number;
      let offset = 0x100;
      do {
        matched <<= 1;
        const expected = matched & offset;
        const bit = range.bit(model, base + offset + expected + symbol);
        symbol = (symbol << 1) | bit;
        offset &= bit === 1 ? expected : ~expected;
      } while (symbol < 0x100);
    } else {
      do symbol = (symbol << 1) | range.bit(model, base + symbol);
      while (symbol < 0x100);
    }
    buffer[out.length++] = symbol & 0xff;
    this.#state = afterLiteral(this.#state);
  }

  /** Reads a match or repeat and sets rep0; the length, or -1 for the end marker. */
  #match(range: RangeDecoder, position: number): number {
    const model = this.#model;
    const state = this.#state;
    if (range.bit(model, IS_REP + state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      const length = readLength(range, model, MATCH_LENGTH, position);
      this.#state = afterMatch(state);
      this.#rep0 = readDistance(range, model, length);
      if (this.#rep0 === END_MARKER) return -1;
      this.#checkDistance();
      return length;
    }
    this.#checkDistance();
    if (range.bit(model, IS_REP_G0 + state) === 0) {
      if (range.bit(model, IS_REP0_LONG + state * POS_STATES + position) === 0) {
        this.#state = afterShortRep(state);
        return 1;
      }
    } else {
      let distance: number;
      if (range.bit(model, IS_REP_G1 + state) === 0) {
        distance = this.#rep1;
      } else {
        if (range.bit(model, IS_REP_G2 + state) === 0) {
          distance = this.#rep2;
        } else {
          distance = this.#rep3;
          this.#rep3 = this.#rep2;
        }
        this.#rep2 = this.#rep1;
      }
      this.#rep1 = this.#rep0;
      this.#rep0 = distance;
      this.#checkDistance();
    }
    this.#state = afterRep(state);
    return readLength(range, model, REP_LENGTH, position);
  }

  #checkDistance(): void {
    if (this.#rep0 >= this.#out.length - this.#dictionaryStart) throw malformed();
  }

  #copy(length: number): void {
    const out = this.#out;
    const buffer = out.room(length);
    const distance = this.#rep0 + 1;
    const from = out.length - distance;
    if (distance === 1) {
      buffer.fill(buffer[from] as number, out.length, out.length + length);
    } else if (distance >= length) {
      buffer.copyWithin(out.length, from, from + length);
    } else {
      for (let i = 0; i < length; i++) buffer[out.length + i] = buffer[from + i] as number;
    }
    out.length += length;
  }
}

function malformed(): DecodeError {
  return new DecodeError('The lzma body is malformed');
}
