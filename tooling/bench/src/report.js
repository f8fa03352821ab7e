import { FIGURES, formatFigure, formatNumber } from './figures.js';
import { describeTarget } from './verdict.js';

/** `12,345 messages/s  (11,900 - 12,800)`. */
function describeSpread(figure, { median, min, max }) {
  const { digits } = FIGURES[figure];
  return `${formatFigure(figure, median)}  (${formatNumber(min, digits)} - ${formatNumber(max, digits)})`;
}

/** The other figures of a participant, medians only. */
export function describeOthers(figures, figure) {
  return Object.keys(FIGURES)
    .filter((name) => name !== figure && figures[name] !== undefined)
    .map((name) => `${FIGURES[name].label} ${formatFigure(name, figures[name].median)}`)
    .join(', ');
}

function describeVerdict({ target, verdict, reason }) {
  if (target === undefined) return '';
  const why = verdict === 'missed' && reason !== undefined ? ` (${reason})` : '';
  return `, target ${describeTarget(target)}: ${verdict === 'met' ? 'met' : 'MISSED'}${why}`;
}

function describeParticipant({ name, figures }, figure, width) {
  const others = describeOthers(figures, figure);
  return `  ${name.padEnd(width)} ${describeSpread(figure, figures[figure])}${others === '' ? '' : `; ${others}`}`;
}

/** A row of results as the user reads it: every participant's figures, then the ratios against the targets. */
export function describeRow(row) {
  const { what, figure, subject, references, error } = row;
  if (error !== undefined) return `${what}\n  ${row.notRun === true ? 'not run' : 'FAILED'}: ${error}`;
  const width = Math.max(26, ...[subject, ...references].map(({ name }) => name.length));
  const lines = [what, describeParticipant(subject, figure, width) + describeVerdict(row)];
  for (const reference of references) {
    if (reference.skipped !== undefined) {
      lines.push(`  ${reference.name.padEnd(width)} skipped, ${reference.skipped}`);
      continue;
    }
    lines.push(describeParticipant(reference, figure, width));
    if (reference.ratio === undefined) continue;
    const { median, min, max } = reference.ratio;
    lines.push(`    ratio ${median.toFixed(2)} (${min.toFixed(2)} - ${max.toFixed(2)})${describeVerdict(reference)}`);
  }
  return lines.join('\n');
}

/** How many targets are met, missed, and were not measured, over the rows of any number of transports. */
export function countVerdicts(rows) {
  const counts = { met: 0, missed: 0, skipped: 0, failed: 0, notRun: 0 };
  for (const row of rows) {
    if (row.error !== undefined) {
      counts[row.notRun === true ? 'notRun' : 'failed']++;
      continue;
    }
    for (const { target, verdict, skipped } of [row, ...row.references]) {
      if (skipped !== undefined) counts.skipped++;
      else if (target !== undefined) counts[verdict]++;
    }
  }
  return counts;
}
