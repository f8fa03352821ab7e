import { parseArgs } from 'node:util';
import { oneOf } from './one-of.js';

/** What `--help` prints. */
export const USAGE = `npm run bench -- [transport...] [options]

Measures each transport against its references, in turn, each run in a fresh process; see docs/performance.md.
With no transport: all of them, and the micro benchmarks ('micro').

  --broker URL   measure against this broker in place of one started here; for one transport
  --pairs N      rounds that count, after one that does not; default 5
  --only TEXT    only what has this in its name; results of other comparisons in the output folder are kept
  --only-targets only what has a target; other results are kept likewise
  --quick        one round with a twentieth of the messages, a look at everything in under two minutes; its numbers say little
  --out FOLDER   where JSON and charts are written; default bench-results
  --docs         measure nothing; write what is in the output folder into docs/performance.md
  --targets      measure nothing; write the table of targets, tooling/bench/TARGETS.md
  --help         this text
`;

/**
 * Reads the command line. Throws an Error that says what is wrong.
 *
 * @param {readonly string[]} args
 * @param {readonly string[]} known names of transports, and of anything else that can be measured
 */
export function readOptions(args, known) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      pairs: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
      broker: { type: 'string' },
      only: { type: 'string' },
      'only-targets': { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench-results' },
      docs: { type: 'boolean', default: false },
      targets: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  for (const name of positionals) {
    if (!known.includes(name)) throw new Error(`there is no benchmark of '${name}'; known: ${oneOf(known)}`);
  }
  const pairs = Number(values.pairs);
  if (!Number.isInteger(pairs) || pairs < 1)
    throw new Error(`--pairs takes a number of at least 1, not '${values.pairs}'`);
  if (values.broker !== undefined && positionals.length !== 1) {
    throw new Error('--broker is for one transport: name it');
  }
  return { ...values, pairs, names: positionals.length === 0 ? known : [...new Set(positionals)] };
}
