import { readdirSync } from 'node:fs';

const FIRST = ['memory', 'redis', 'amqp'];

/**
 * Every transport's benchmark: the default export of each other file of this folder, so that a transport is added by adding
 * its file. The first three are the ones that most people ask for; the rest follow by name.
 *
 * @returns {Promise<import('../types.d.ts').TransportBench[]>}
 */
export async function loadBenches() {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.js') && file !== 'index.js');
  const benches = [];
  for (const file of files) benches.push((await import(`./${file}`)).default);
  const place = ({ transport }) => (FIRST.indexOf(transport) + FIRST.length + 1) % (FIRST.length + 1);
  return benches.sort((a, b) => place(a) - place(b) || a.transport.localeCompare(b.transport));
}
