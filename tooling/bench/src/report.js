const thousands = (n) => Math.round(n).toLocaleString('en');

/** A comparison as the user reads it: two rates and their ratio. */
export function describeRow({ transport, what, subject, reference, target, met, rate, referenceRate, ratio }) {
  const line = (who, { median, min, max }) =>
    `  ${who.padEnd(28)} ${thousands(median)}/s  (${thousands(min)} - ${thousands(max)})`;
  const range = `${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)}`;
  return [
    `${transport}: ${what}`,
    line(subject, rate),
    line(reference, referenceRate),
    `  ratio ${ratio.median.toFixed(2)} (${range}), target ${target.toFixed(2)}: ${met ? 'met' : 'MISSED'}`,
  ].join('\n');
}
