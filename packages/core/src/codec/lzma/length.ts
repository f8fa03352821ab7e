import { CLASS_BITS, CLASS_LENGTHS, LENGTH_HIGH, LENGTH_LOW, LENGTH_MID, LONG_BITS, MIN_MATCH } from './model.js';
import type { RangeDecoder } from './range-decoder.js';
import type { RangeEncoder } from './range-encoder.js';

/** Reads the length of a match or repeat, `base` being where its probabilities are. */
export function readLength(range: RangeDecoder, model: Uint16Array, base: number, position: number): number {
  const at = position * CLASS_LENGTHS;
  if (range.bit(model, base) === 0) return MIN_MATCH + range.tree(model, base + LENGTH_LOW + at, CLASS_BITS);
  if (range.bit(model, base + 1) === 0) {
    return MIN_MATCH + CLASS_LENGTHS + range.tree(model, base + LENGTH_MID + at, CLASS_BITS);
  }
  return MIN_MATCH + 2 * CLASS_LENGTHS + range.tree(model, base + LENGTH_HIGH, LONG_BITS);
}

/** Writes the length of a match or repeat, as {@link readLength} reads it. */
export function writeLength(
  range: RangeEncoder,
  model: Uint16Array,
  base: number,
  position: number,
  length: number,
): void {
  const value = length - MIN_MATCH;
  const at = position * CLASS_LENGTHS;
  range.bit(model, base, value < CLASS_LENGTHS ? 0 : 1);
  if (value < CLASS_LENGTHS) {
    range.tree(model, base + LENGTH_LOW + at, CLASS_BITS, value);
    return;
  }
  range.bit(model, base + 1, value < 2 * CLASS_LENGTHS ? 0 : 1);
  if (value < 2 * CLASS_LENGTHS) {
    range.tree(model, base + LENGTH_MID + at, CLASS_BITS, value - CLASS_LENGTHS);
    return;
  }
  range.tree(model, base + LENGTH_HIGH, LONG_BITS, value - 2 * CLASS_LENGTHS);
}
