/** Longer codes than this are not made, although up to 20 are read. */
const MAX_LENGTH = 17;

/** The lengths of a Huffman code for symbols that occur so often; each symbol gets one, also one that does not occur. */
export function codeLengths(frequencies: Int32Array): Uint8Array {
  let weights = Array.from(frequencies, (count) => Math.max(1, count));
  for (;;) {
    const lengths = unlimited(weights);
    if (lengths.every((length) => length <= MAX_LENGTH)) return lengths;
    weights = weights.map((weight) => Math.floor(weight / 2) + 1);
  }
}

/** Huffman's algorithm with two queues: the leaves in order of weight, and the nodes that were made, which come in that order. */
function unlimited(weights: readonly number[]): Uint8Array {
  const leaves = weights
    .map((_, symbol) => symbol)
    .sort((a, b) => (weights[a] as number) - (weights[b] as number) || a - b);
  const count = weights.length;
  const nodeWeights: number[] = [];
  const parents = new Int32Array(count * 2).fill(-1);
  let leaf = 0;
  let node = 0;
  const lightest = (): number => {
    const nextLeaf = leaves[leaf];
    const nextNode = nodeWeights[node];
    if (nextNode === undefined || (nextLeaf !== undefined && (weights[nextLeaf] as number) <= nextNode)) {
      leaf++;
      return nextLeaf as number;
    }
    return count + node++;
  };
  const weightOf = (index: number): number => (index < count ? weights[index] : nodeWeights[index - count]) as number;
  for (let made = 0; made < count - 1; made++) {
    const a = lightest();
    const b = lightest();
    parents[a] = parents[b] = count + made;
    nodeWeights.push(weightOf(a) + weightOf(b));
  }
  const depths = new Uint8Array(count * 2);
  for (let index = count * 2 - 3; index >= 0; index--) {
    const parent = parents[index] as number;
    if (parent !== -1) depths[index] = (depths[parent] as number) + 1;
  }
  return depths.subarray(0, count);
}

/** Canonical codes of those lengths: in order of length, then of symbol. */
export function canonicalCodes(lengths: Uint8Array): Int32Array {
  const codes = new Int32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === length) codes[symbol] = code++;
    code <<= 1;
  }
  return codes;
}
