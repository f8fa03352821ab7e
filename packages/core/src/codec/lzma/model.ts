/**
 * The probability model that the LZMA coder and decoder share, as one array of 11-bit probabilities. Format: "LZMA specification"
 * of the LZMA SDK (Igor Pavlov, public domain).
 */

export const STATES = 12;
export const POS_STATES = 16;
export const MIN_MATCH = 2;
export const MAX_MATCH = 273;
/** The distance (less one) that stands for the end of a stream. */
export const END_MARKER = 0xffffffff;
export const PROBABILITY_BITS = 11;
export const PROBABILITY_HALF = 1 << (PROBABILITY_BITS - 1);
export const MOVE_BITS = 5;
export const TOP = 0x1000000;

const LENGTH_SIZE = 2 + POS_STATES * 8 * 2 + 256;

export const IS_MATCH = 0;
export const IS_REP = IS_MATCH + STATES * POS_STATES;
export const IS_REP_G0 = IS_REP + STATES;
export const IS_REP_G1 = IS_REP_G0 + STATES;
export const IS_REP_G2 = IS_REP_G1 + STATES;
export const IS_REP0_LONG = IS_REP_G2 + STATES;
export const POS_SLOT = IS_REP0_LONG + STATES * POS_STATES;
/** Offset by slot bases, so that the first used index is 1 above it. */
export const SPECIAL_POS = POS_SLOT + 4 * 64;
export const ALIGN = SPECIAL_POS + 115;
export const MATCH_LENGTH = ALIGN + 16;
export const REP_LENGTH = MATCH_LENGTH + LENGTH_SIZE;
export const LITERAL = REP_LENGTH + LENGTH_SIZE;

/** Within a length coder: two choice bits, then the trees of 8, 8 and 256 lengths. */
export const LENGTH_LOW = 2;
export const LENGTH_MID = LENGTH_LOW + POS_STATES * 8;
export const LENGTH_HIGH = LENGTH_MID + POS_STATES * 8;

/** How a stream's properties byte splits: literal context bits, literal position bits, position bits. */
export interface Properties {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
}

/** A properties byte taken apart; undefined when it is none. */
export function readProperties(byte: number): Properties | undefined {
  if (byte >= 9 * 5 * 5) return undefined;
  return { lc: byte % 9, lp: Math.floor(byte / 9) % 5, pb: Math.floor(byte / 45) };
}

/** Fresh probabilities, each one half. */
export function freshModel({ lc, lp }: Properties): Uint16Array<ArrayBuffer> {
  return new Uint16Array(LITERAL + (0x300 << (lc + lp))).fill(PROBABILITY_HALF);
}

export function afterLiteral(state: number): number {
  if (state < 4) return 0;
  return state < 10 ? state - 3 : state - 6;
}

export function afterMatch(state: number): number {
  return state < 7 ? 7 : 10;
}

export function afterRep(state: number): number {
  return state < 7 ? 8 : 11;
}

export function afterShortRep(state: number): number {
  return state < 7 ? 9 : 11;
}
