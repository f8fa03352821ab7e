import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compare } from './compare.js';
import { COMPARISONS } from './comparisons.js';
import { pythonWithKombu } from './python.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench-output' },
  },
});
const known = new Set(COMPARISONS.map(({ transport }) => transport));
for (const name of positionals) {
  if (!known.has(name)) {
    console.error(`there is no benchmark of '${name}'; known: ${[...known].join(', ')}`);
    process.exit(2);
  }
}
const pairs = values.quick ? 2 : Number(values.pairs);
const python = pythonWithKombu();
const chosen = COMPARISONS.filter(({ transport }) => positionals.length === 0 || positionals.includes(transport));

const progress = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
const thousands = (n) => Math.round(n).toLocaleString('en');
const rows = [];
for (const comparison of chosen) {
  const { transport, what, subject, reference, settings, target, goal } = comparison;
  const name = `${transport}: ${what}, ${subject.name} against ${reference.name}`;
  if (reference.needs === 'python-kombu' && python === undefined) {
    console.log(`${name}: skipped, there is no Python with Kombu here`);
    continue;
  }
  const withPython = { ...reference, settings: { ...reference.settings, python: python?.python } };
  const result = await compare({
    subject,
    reference: withPython,
    settings,
    pairs,
    progress: (text) => progress(`${name}: ${text}`),
  });
  const met = result.ratio.median >= target;
  rows.push({ transport, what, subject: subject.name, reference: reference.name, target, goal, met, ...result });
}
progress('');
for (const { transport, what, subject, reference, target, met, ratio, ...rates } of rows) {
  console.log(`${transport}: ${what}`);
  for (const [who, rate] of [
    [subject, rates.subject],
    [reference, rates.reference],
  ]) {
    console.log(`  ${who.padEnd(28)} ${thousands(rate.median)}/s  (${thousands(rate.min)} - ${thousands(rate.max)})`);
  }
  const range = `${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)}`;
  console.log(`  ratio ${ratio.median.toFixed(2)} (${range}), target ${target}: ${met ? 'met' : 'MISSED'}`);
}
mkdirSync(values.out, { recursive: true });
const report = {
  date: new Date().toISOString(),
  machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory: os.totalmem(), node: process.version },
  python: python?.version,
  pairs,
  rows,
};
writeFileSync(path.join(values.out, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
