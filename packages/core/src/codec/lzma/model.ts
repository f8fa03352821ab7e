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
/** The probability of what is certain. */
export const PROBABILITY_ONE = 1 << PROBABILITY_BITS;
export const MOVE_BITS = 5;
export const TOP = 0x1000000;

/** Lengths are coded in three classes: the first 8, the next 8, and the other 256. */
export const CLASS_BITS = 3;
export const CLASS_LENGTHS = 1 << CLASS_BITS;
export const LONG_BITS = 8;
const LENGTH_SIZE = 2 + POS_STATES * CLASS_LENGTHS * 2 + (1 << LONG_BITS);

/** A distance begins with its slot of 6 bits: the first 4 are distances, those below 14 have all their other bits modelled. */
export const SLOT_BITS = 6;
export const FIRST_SLOT_WITH_BITS = 4;
export const FIRST_SLOT_WITH_DIRECT_BITS = 14;
/** The lowest bits of a far distance, which are modelled, too. */
export const ALIGN_BITS = 4;
/** Lengths that have slots of their own; longer ones share the last. */
const SLOT_LENGTHS = 4;
/** Probabilities of one context of literals. */
export const LITERAL_SIZE = 0x300;
/** States below that follow a literal. */
export const AFTER_LITERAL_STATES = 7;

export const IS_MATCH = 0;
export const IS_REP = IS_MATCH + STATES * POS_STATES;
export const IS_REP_G0 = IS_REP + STATES;
export const IS_REP_G1 = IS_REP_G0 + STATES;
export const IS_REP_G2 = IS_REP_G1 + STATES;
export const IS_REP0_LONG = IS_REP_G2 + STATES;
export const POS_SLOT = IS_REP0_LONG + STATES * POS_STATES;
/** Offset by slot bases, so that the first used index is 1 above it. */
export const SPECIAL_POS = POS_SLOT + SLOT_LENGTHS * (1 << SLOT_BITS);
export const ALIGN = SPECIAL_POS + 115;
export const MATCH_LENGTH = ALIGN + (1 << ALIGN_BITS);
export const REP_LENGTH = MATCH_LENGTH + LENGTH_SIZE;
export const LITERAL = REP_LENGTH + LENGTH_SIZE;

/** Within a length coder: two choice bits, then the trees of 8, 8 and 256 lengths. */
export const LENGTH_LOW = 2;
export const LENGTH_MID = LENGTH_LOW + POS_STATES * CLASS_LENGTHS;
export const LENGTH_HIGH = LENGTH_MID + POS_STATES * CLASS_LENGTHS;

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
  return new Uint16Array(LITERAL + (LITERAL_SIZE << (lc + lp))).fill(PROBABILITY_HALF);
}

export function afterLiteral(state: number): number {
  if (state < 4) return 0;
  return state < 10 ? state - 3 : state - 6;
}

export function afterMatch(state: number): number {
  return state < AFTER_LITERAL_STATES ? 7 : 10;
}

export function afterRep(state: number): number {
  return state < AFTER_LITERAL_STATES ? 8 : 11;
}

export function afterShortRep(state: number): number {
  return state < AFTER_LITERAL_STATES ? 9 : 11;
}

/** Where the slots of a match of that length are. */
export function slotsOf(length: number): number {
  return POS_SLOT + Math.min(length - MIN_MATCH, SLOT_LENGTHS - 1) * (1 << SLOT_BITS);
}

/** How many bits of a distance follow its slot, where any do. */
export function bitsOf(slot: number): number {
  return (slot >>> 1) - 1;
}

/** The least distance of a slot that bits follow. */
export function leastOf(slot: number): number {
  return ((2 | (slot & 1)) << bitsOf(slot)) >>> 0;
}
