/** The middle, the least and the most of some numbers. */
export function spread(numbers) {
  if (numbers.length === 0) throw new RangeError('there is no median of nothing');
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** The spread of every figure that all of the runs have. */
export function spreads(runs) {
  const names = Object.keys(runs[0] ?? {}).filter((name) => runs.every((run) => run[name] !== undefined));
  return Object.fromEntries(names.map((name) => [name, spread(runs.map((run) => run[name]))]));
}

/** Subject over reference, run by run: what changed between two pairs falls out of the ratio of each. */
export function ratios(subjectRuns, referenceRuns, figure) {
  return spread(subjectRuns.map((run, i) => run[figure] / referenceRuns[i][figure]));
}
