type Text = Uint8Array | Int32Array;

/**
 * The suffixes of a text in order, as their offsets; in linear time, by induced sorting (G. Nong, S. Zhang, W. H. Chan: "Linear
 * Suffix Array Construction by Almost Pure Induced-Sorting", 2009).
 *
 * @param text - symbols from 0 to `highest`
 */
export function* suffixArray(text: Text, highest: number): Generator<void, Int32Array> {
  const n = text.length;
  if (n < 2) return new Int32Array(n);
  const smaller = smallerThanNext(text);
  const buckets = bucketStarts(text, smaller, highest);
  const anchors = anchorsOf(smaller);
  const sorted = new Int32Array(n);
  yield;
  yield* induce(text, smaller, buckets, anchors, sorted);
  if (anchors.length < 2) return sorted;
  yield;
  const { names, count } = nameAnchors(text, anchors, sorted);
  yield;
  const order = count === anchors.length ? inverse(names) : yield* suffixArray(names, count - 1);
  yield;
  yield* induce(
    text,
    smaller,
    buckets,
    order.map((rank) => anchors[rank] as number),
    sorted,
  );
  return sorted;
}

/** By offset: 1 when the suffix comes before the one that begins a symbol later. The last one does not. */
function smallerThanNext(text: Text): Uint8Array {
  const smaller = new Uint8Array(text.length);
  for (let i = text.length - 2; i >= 0; i--) {
    const a = text[i] as number;
    const b = text[i + 1] as number;
    smaller[i] = a < b || (a === b && smaller[i + 1] === 1) ? 1 : 0;
  }
  return smaller;
}

interface Buckets {
  /** Where the suffixes that begin with a symbol start; one more entry for the end. */
  readonly start: Int32Array;
  /** Where, among them, those that are smaller than the next one start. */
  readonly middle: Int32Array;
}

function bucketStarts(text: Text, smaller: Uint8Array, highest: number): Buckets {
  const start = new Int32Array(highest + 2);
  const middle = new Int32Array(highest + 1);
  for (let i = 0; i < text.length; i++) {
    const symbol = text[i] as number;
    start[symbol + 1] = (start[symbol + 1] as number) + 1;
    if (smaller[i] === 0) middle[symbol] = (middle[symbol] as number) + 1;
  }
  for (let symbol = 0; symbol <= highest; symbol++) {
    start[symbol + 1] = (start[symbol + 1] as number) + (start[symbol] as number);
    middle[symbol] = (middle[symbol] as number) + (start[symbol] as number);
  }
  return { start, middle };
}

/** The offsets where a smaller suffix follows a larger one. */
function anchorsOf(smaller: Uint8Array): Int32Array {
  let count = 0;
  for (let i = 1; i < smaller.length; i++) if (smaller[i] === 1 && smaller[i - 1] === 0) count++;
  const anchors = new Int32Array(count);
  for (let i = smaller.length - 1; i > 0; i--) if (smaller[i] === 1 && smaller[i - 1] === 0) anchors[--count] = i;
  return anchors;
}

/** Sorts all suffixes into `sorted`, given the order of the anchors. */
function* induce(
  text: Text,
  smaller: Uint8Array,
  buckets: Buckets,
  anchors: Int32Array,
  sorted: Int32Array,
): Generator<void> {
  const n = text.length;
  sorted.fill(-1);
  const place = buckets.middle.slice();
  for (const anchor of anchors) {
    const symbol = text[anchor] as number;
    const at = place[symbol] as number;
    place[symbol] = at + 1;
    sorted[at] = anchor;
  }
  const front = buckets.start.slice();
  const pushLarger = (offset: number): void => {
    const symbol = text[offset] as number;
    const at = front[symbol] as number;
    front[symbol] = at + 1;
    sorted[at] = offset;
  };
  pushLarger(n - 1);
  yield;
  for (let i = 0; i < n; i++) {
    const offset = (sorted[i] as number) - 1;
    if (offset >= 0 && smaller[offset] === 0) pushLarger(offset);
  }
  yield;
  const back = buckets.start.slice();
  for (let i = n - 1; i >= 0; i--) {
    const offset = (sorted[i] as number) - 1;
    if (offset < 0 || smaller[offset] === 0) continue;
    const symbol = text[offset] as number;
    const at = (back[symbol + 1] as number) - 1;
    back[symbol + 1] = at;
    sorted[at] = offset;
  }
}

/** Names the pieces between anchors by their order; equal pieces share a name. `names` is in the order of the text. */
function nameAnchors(text: Text, anchors: Int32Array, sorted: Int32Array): { names: Int32Array; count: number } {
  const n = text.length;
  const rank = new Int32Array(n).fill(-1);
  for (let i = 0; i < anchors.length; i++) rank[anchors[i] as number] = i;
  const names = new Int32Array(anchors.length);
  const endOf = (i: number): number => (i + 1 < anchors.length ? (anchors[i + 1] as number) : n);
  let name = -1;
  let previous = -1;
  for (const offset of sorted) {
    const current = rank[offset] as number;
    if (current === -1) continue;
    if (previous === -1 || !samePiece(text, anchors, endOf, previous, current)) name++;
    names[current] = name;
    previous = current;
  }
  return { names, count: name + 1 };
}

/** Whether two pieces are equal, the first symbol of what follows included. A piece that ends the text equals no other. */
function samePiece(text: Text, anchors: Int32Array, endOf: (i: number) => number, a: number, b: number): boolean {
  const startA = anchors[a] as number;
  const startB = anchors[b] as number;
  const length = endOf(a) - startA;
  if (length !== endOf(b) - startB || startA + length >= text.length || startB + length >= text.length) return false;
  for (let i = 0; i <= length; i++) if (text[startA + i] !== text[startB + i]) return false;
  return true;
}

/** The order of names that are all different. */
function inverse(names: Int32Array): Int32Array {
  const order = new Int32Array(names.length);
  for (let i = 0; i < names.length; i++) order[names[i] as number] = i;
  return order;
}
