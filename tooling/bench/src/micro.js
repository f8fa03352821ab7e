import { readdirSync } from 'node:fs';
import path from 'node:path';
import { runOnce } from './run-once.js';
import { spreads } from './statistics.js';

const FOLDER = path.resolve(import.meta.dirname, '../micro');
const HELPERS = ['core.js'];
/** Large enough that nothing is collected while it is counted. */
const FLAGS = ['--min-semi-space-size=128', '--max-semi-space-size=128'];

/** The files of micro/, each a list of cases. */
export function microFiles() {
  return readdirSync(FOLDER).filter((file) => file.endsWith('.js') && !HELPERS.includes(file));
}

/**
 * Runs the cases of one file in `rounds` fresh processes and gives a row per group: its first case is the row's subject, the
 * others its references, without ratios.
 *
 * @param {string} file
 * @param {{ rounds: number, ms: number, signal?: AbortSignal, runner?: any }} conditions
 */
export async function runMicro(file, { rounds, ms, signal, runner = runOnce }) {
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    runs.push((await runner('micro.js', { file, ms, nodeFlags: FLAGS }, signal)).cases);
  }
  return [...groupBy(runs[0])].map(([group, cases]) => {
    const [subject, ...references] = cases.map(({ name }) => {
      const all = runs.map((run) => run.find((one) => one.group === group && one.name === name).figures);
      return { name, figures: spreads(all) };
    });
    return { what: group, figure: 'nanos', date: new Date().toISOString(), subject, references };
  });
}

function groupBy(cases) {
  const groups = new Map();
  for (const one of cases) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return groups;
}
