import { suffixArray } from './suffix-array.js';

/** The Burrows-Wheeler transform of a block. */
export interface Transformed {
  /** The last column of all rotations in order. */
  readonly column: Uint8Array;
  /** Which row is the block itself. */
  readonly row: number;
}

/**
 * Sorts all rotations of a block. Once a block starts at its least rotation, its suffixes are in the order of its rotations, so
 * that suffix sorting is enough (R. Giancarlo, A. Restivo, M. Sciortino: "From first principles to the Burrows and Wheeler
 * transform and beyond, via combinatorial optimization", 2007).
 */
export function* transform(block: Uint8Array): Generator<void, Transformed> {
  const n = block.length;
  const least = leastRotation(block);
  const text = new Uint8Array(n);
  text.set(block.subarray(least));
  text.set(block.subarray(0, least), n - least);
  yield;
  const sorted = yield* suffixArray(text, 255);
  const column = new Uint8Array(n);
  const original = (n - least) % n;
  let row = 0;
  for (let i = 0; i < n; i++) {
    const offset = sorted[i] as number;
    column[i] = text[offset === 0 ? n - 1 : offset - 1] as number;
    if (offset === original) row = i;
  }
  return { column, row };
}

/** The offset at which the rotation begins that comes first, in linear time. */
function leastRotation(block: Uint8Array): number {
  const n = block.length;
  let a = 0;
  let b = 1;
  let same = 0;
  while (a < n && b < n && same < n) {
    const x = block[(a + same) % n] as number;
    const y = block[(b + same) % n] as number;
    if (x === y) {
      same++;
      continue;
    }
    if (x > y) a += same + 1;
    else b += same + 1;
    if (a === b) b++;
    same = 0;
  }
  return Math.min(a, b);
}
