import { FIGURES, formatNumber } from './figures.js';

const WIDTH = 820;
const LABEL = 270;
const VALUE = 150;
const BAR = 18;
const GAP = 6;
const PLOT = WIDTH - LABEL - VALUE;
const SUBJECT = '#2f6fb0';
const REFERENCE = '#9aa5b1';

const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

/**
 * One chart of a transport's results: a group of bars per comparison, each group with a scale of its own, a thin line from the
 * least to the most of the runs over each bar. Plain SVG with a background, to be read on light and dark pages alike.
 *
 * @param {{ name: string, rows: readonly object[] }} results
 */
export function drawChart({ name, rows }) {
  const parts = [];
  let y = 40;
  for (const row of rows.filter(({ error }) => error === undefined)) {
    y = drawGroup(parts, row, y) + 22;
  }
  parts.push(
    `<text x="12" y="${y}" fill="#52606d">Blue: the subject. x: the subject over this one, the median of the pairs. Thin line: least to most.</text>`,
  );
  const height = y + 14;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
      'font-family="system-ui, sans-serif" font-size="12" fill="#1f2933" role="img">',
    `<title>${escaped(name)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="24" font-size="16" font-weight="bold">${escaped(name)}</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function drawGroup(parts, { what, figure, subject, references }, top) {
  const bars = [subject, ...references.filter(({ figures }) => figures !== undefined)];
  const most = Math.max(...bars.map(({ figures }) => figures[figure].max), Number.MIN_VALUE);
  const { unit, label } = FIGURES[figure];
  const heading = figure === 'rate' ? `${what} (${unit})` : `${what}: ${label} (${unit}, less is better)`;
  parts.push(`<text x="12" y="${top + 14}" font-weight="bold">${escaped(heading)}</text>`);
  let y = top + 22;
  for (const [i, { name, figures, ratio }] of bars.entries()) {
    drawBar(parts, { y, name, spread: figures[figure], ratio, figure, most, fill: i === 0 ? SUBJECT : REFERENCE });
    y += BAR + GAP;
  }
  return y;
}

function drawBar(parts, { y, name, spread, ratio, figure, most, fill }) {
  const x = (value) => LABEL + (value / most) * PLOT;
  const at = (value) => x(value).toFixed(1);
  const middle = y + BAR / 2;
  const text = formatNumber(spread.median, FIGURES[figure].digits) + (ratio ? `  (x ${ratio.median.toFixed(2)})` : '');
  parts.push(
    `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${escaped(name)}</text>`,
    `<rect x="${LABEL}" y="${y}" width="${(x(spread.median) - LABEL).toFixed(1)}" height="${BAR}" fill="${fill}"/>`,
    `<path d="M${at(spread.min)} ${middle}H${at(spread.max)}" stroke="#1f2933" stroke-width="1.5"/>`,
    `<text x="${WIDTH - VALUE + 10}" y="${middle + 4}">${escaped(text)}</text>`,
  );
}
