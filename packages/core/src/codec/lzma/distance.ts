import {
  ALIGN,
  ALIGN_BITS,
  bitsOf,
  FIRST_SLOT_WITH_BITS,
  FIRST_SLOT_WITH_DIRECT_BITS,
  leastOf,
  SLOT_BITS,
  SPECIAL_POS,
  slotsOf,
} from './model.js';
import type { RangeDecoder } from './range-decoder.js';
import type { RangeEncoder } from './range-encoder.js';

/** Reads the distance, less one, of a match of that length. */
export function readDistance(range: RangeDecoder, model: Uint16Array, length: number): number {
  const slot = range.tree(model, slotsOf(length), SLOT_BITS);
  if (slot < FIRST_SLOT_WITH_BITS) return slot;
  const bits = bitsOf(slot);
  const least = leastOf(slot);
  if (slot < FIRST_SLOT_WITH_DIRECT_BITS) return least + range.reverseTree(model, SPECIAL_POS + least - slot, bits);
  const high = range.direct(bits - ALIGN_BITS) * (1 << ALIGN_BITS);
  return least + high + range.reverseTree(model, ALIGN, ALIGN_BITS);
}

/** Writes the distance, less one, of a match of that length, as {@link readDistance} reads it. */
export function writeDistance(range: RangeEncoder, model: Uint16Array, length: number, distance: number): void {
  const top = 31 - Math.clz32(distance);
  const slot = distance < FIRST_SLOT_WITH_BITS ? distance : top * 2 + ((distance >>> (top - 1)) & 1);
  range.tree(model, slotsOf(length), SLOT_BITS, slot);
  if (slot < FIRST_SLOT_WITH_BITS) return;
  const bits = bitsOf(slot);
  const least = leastOf(slot);
  const rest = distance - least;
  if (slot < FIRST_SLOT_WITH_DIRECT_BITS) {
    range.reverseTree(model, SPECIAL_POS + least - slot, bits, rest);
    return;
  }
  range.direct(bits - ALIGN_BITS, rest >>> ALIGN_BITS);
  range.reverseTree(model, ALIGN, ALIGN_BITS, rest & ((1 << ALIGN_BITS) - 1));
}
