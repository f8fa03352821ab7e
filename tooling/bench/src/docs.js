import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FIGURES, formatNumber } from './figures.js';
import { countVerdicts, describeOthers } from './report.js';
import { readResults } from './results.js';
import { describeTarget } from './verdict.js';

const START = '<!-- results -->';
const END = '<!-- /results -->';
const FIRST = ['memory', 'redis', 'amqp'];

/**
 * Writes the results of a folder between the markers of docs/performance.md, and the charts beside it. Results of single
 * transports, measured on different days, become one page; each says when and where. Those of `--quick` are refused.
 *
 * @returns {string} what was done, in one line
 */
export function writeDocs(out, docs) {
  const results = readResults(out);
  if (results.length === 0) throw new Error(`there are no results in ${out}: run the benchmarks first`);
  const quick = results.filter((one) => one.quick).map(({ name }) => name);
  if (quick.length > 0)
    throw new Error(`the results of ${quick.join(', ')} are those of a quick look; run them in full`);
  const page = path.join(docs, 'performance.md');
  const charts = path.join(docs, 'performance');
  mkdirSync(charts, { recursive: true });
  const place = ({ name }) => (FIRST.includes(name) ? FIRST.indexOf(name) : name === 'micro' ? 99 : FIRST.length);
  const sorted = [...results].sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name));
  for (const { name } of sorted) copyFileSync(path.join(out, `${name}.svg`), path.join(charts, `${name}.svg`));
  writeFileSync(page, fill(readFileSync(page, 'utf8'), sorted.map(section).join('\n')));
  return `${sorted.length} results written to ${page}`;
}

/** A page with `text` between its markers. */
export function fill(page, text) {
  const from = page.indexOf(START);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the page has no ${START} ... ${END}`);
  return `${page.slice(0, from + START.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}

/** One transport's results as a part of a page. */
export function section(results) {
  const { name, rows } = results;
  const { met, missed, skipped, failed } = countVerdicts(rows);
  const counts = [`${met} targets met`, `${missed} missed`];
  if (skipped > 0) counts.push(`${skipped} references not there`);
  if (failed > 0) counts.push(`${failed} failed`);
  const verdicts = met + missed + skipped + failed === 0 ? '' : ` ${counts.join(', ')}.`;
  return [
    `### ${name}`,
    '',
    `${conditions(results)}${verdicts}`,
    '',
    `![The results of ${name} as bars](performance/${name}.svg)`,
    '',
    ...(name === 'micro' ? microTable(rows) : table(rows)),
    '',
  ].join('\n');
}

function conditions({ name, date, machine, broker, python, pairs, libraries }) {
  const { cpu, cores, memoryGb, system, node } = machine;
  const parts = [`${date.slice(0, 10)}, ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, Node.js ${node.slice(1)}`];
  if (broker !== undefined) parts.push(`broker ${broker}`);
  parts.push(...Object.entries(libraries).map(([library, version]) => `${library} ${version}`));
  if (python !== undefined && name !== 'micro') parts.push(`Python Kombu ${python}`);
  return `${parts.join(', ')}. Medians of ${pairs} ${name === 'micro' ? 'runs' : 'pairs'}.`;
}

/** What an error says, without the stack and the files around it. */
const errorLine = (error) =>
  (error.match(/^\S*(?:Error|Exception)[^:\n]*: (.*)$/m)?.[1] ?? 'see the JSON').replaceAll('|', ' ');

const spreadText = (figure, { median, min, max }) => {
  const { digits, unit } = FIGURES[figure];
  return `${formatNumber(median, digits)} ${unit} (${formatNumber(min, digits)} - ${formatNumber(max, digits)})`;
};

function verdictText({ target, verdict, reason }) {
  if (target === undefined) return '';
  if (verdict === 'met') return `${describeTarget(target)}: met`;
  return `${describeTarget(target)}: **missed**${reason === undefined ? '' : `; ${reason}`}`;
}

function table(rows) {
  const lines = [
    '| what | who | median (min - max) | ratio | target | also |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  for (const row of rows) {
    const { what, figure, subject, references, error } = row;
    if (error !== undefined) {
      lines.push(`| **${what}** | | failed: ${errorLine(error)} | | | |`);
      continue;
    }
    const line = (first, { name, figures }, ratio, target) =>
      `| ${[first, name, spreadText(figure, figures[figure]), ratio, target, describeOthers(figures, figure)].join(' | ')} |`;
    lines.push(line(`**${what}**`, subject, '', verdictText(row)));
    for (const reference of references) {
      if (reference.skipped !== undefined) {
        lines.push(`| | ${reference.name} | ${reference.skipped} | | | |`);
        continue;
      }
      const { median, min, max } = reference.ratio;
      const ratio = `${median.toFixed(2)} (${min.toFixed(2)} - ${max.toFixed(2)})`;
      lines.push(line('', reference, ratio, verdictText(reference)));
    }
  }
  return lines;
}

function microTable(rows) {
  const lines = ['| what | case | time | allocations | bytes |', '| --- | --- | --- | --- | --- |'];
  const number = (name, { median }) => formatNumber(median, FIGURES[name].digits);
  for (const { what, subject, references, error } of rows) {
    if (error !== undefined) continue;
    for (const [i, { name, figures }] of [subject, ...references].entries()) {
      const cells = [
        `${number('nanos', figures.nanos)} ns`,
        number('allocations', figures.allocations),
        number('bytes', figures.bytes),
      ];
      lines.push(`| ${[i === 0 ? `**${what}**` : '', name, ...cells].join(' | ')} |`);
    }
  }
  return lines;
}
