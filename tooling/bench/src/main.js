import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brokerFor } from './broker.js';
import { compare } from './compare.js';
import { COMPARISONS } from './comparisons.js';
import { pythonWithKombu } from './python.js';
import { describeRow } from './report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    broker: { type: 'string' },
    only: { type: 'string' },
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
const pairs = values.quick ? 1 : Number(values.pairs);
const python = pythonWithKombu();
const transports = positionals.length === 0 ? [...known] : positionals;
const progress = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);

const rows = [];
const brokers = {};
for (const transport of transports) {
  const broker = await brokerFor(transport, values.broker);
  if (broker.unavailable !== undefined) {
    console.log(`${transport}: skipped, ${broker.unavailable}`);
    continue;
  }
  brokers[transport] = broker.version;
  try {
    for (const comparison of COMPARISONS) {
      if (comparison.transport !== transport) continue;
      if (values.only !== undefined && !comparison.what.includes(values.only)) continue;
      const row = await measure(comparison, broker);
      if (row !== undefined) {
        rows.push(row);
        progress('');
        console.log(describeRow(row));
      }
    }
  } finally {
    await broker.close();
  }
}

async function measure({ transport, what, subject, reference, settings, target }, broker) {
  const name = `${transport}: ${what}, ${subject.name} against ${reference.name}`;
  if (reference.needs === 'python-kombu' && python === undefined) {
    console.log(`${name}: skipped, there is no Python with Kombu here`);
    return undefined;
  }
  const less = values.quick ? { messages: Math.ceil(settings.messages / 10) } : {};
  const result = await compare({
    subject,
    reference: { ...reference, settings: { ...reference.settings, python: python?.python } },
    settings: { ...settings, ...less, url: broker.url },
    pairs,
    progress: (text) => progress(`${name}: ${text}`),
  });
  const met = result.ratio.median >= target;
  return { transport, what, subject: subject.name, reference: reference.name, target, met, ...result };
}

mkdirSync(values.out, { recursive: true });
const report = {
  date: new Date().toISOString(),
  machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory: os.totalmem(), node: process.version },
  python: python?.version,
  brokers,
  pairs,
  rows,
};
const file = path.join(values.out, 'results.json');
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
const missed = rows.filter(({ met }) => !met).length;
console.log(`${rows.length - missed} targets met, ${missed} missed; written to ${file}`);
