/** The edit distance of two short names; two letters that have changed places count once (optimal string alignment). */
function distance(a: string, b: string): number {
  let above: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (above[j - 2] ?? 0) + 1);
      row.push(least);
    }
    above = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** How much of a name may be mistaken, so that it is worth a guess. */
function mistakesIn(length: number): number {
  if (length <= 4) return 1;
  return length <= 8 ? 2 : 3;
}

/** Whether one name is the beginning of the other: `expires` of `expiresMs`. Three letters say too little. */
function isBeginning(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= 4 && (a.startsWith(b) || b.startsWith(a));
}

/** The name of `known` that `name` is likely to have been meant for; undefined when there is none that is similar enough. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const one = candidate.toLowerCase();
    const d = distance(wanted, one);
    if (d >= least || (d > mistakesIn(Math.max(wanted.length, one.length)) && !isBeginning(wanted, one))) continue;
    least = d;
    best = candidate;
  }
  return best;
}

/** The end of a message about an unknown name: `; did you mean 'x'?`, or nothing. */
export function didYouMean(name: unknown, known: Iterable<string>): string {
  const meant = typeof name === 'string' ? nearest(name, known) : undefined;
  return meant === undefined ? '' : `; did you mean '${meant}'?`;
}
