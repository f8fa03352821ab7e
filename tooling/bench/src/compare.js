import { randomUUID } from 'node:crypto';
import { runOnce } from './run-once.js';
import { spread } from './statistics.js';

/**
 * Runs a subject and a reference in turn (A B A B ...), each run in a fresh process, and compares their rates pair by pair.
 *
 * @param {{ subject: object, reference: object, settings: object, pairs: number, progress: (text: string) => void }} request
 *   subject and reference: `{ name, runner, settings? }`
 */
export async function compare({ subject, reference, settings, pairs, progress }) {
  const rates = { subject: [], reference: [] };
  for (let pair = 1; pair <= pairs; pair++) {
    for (const [side, who] of Object.entries({ subject, reference })) {
      progress(`pair ${pair}/${pairs}: ${who.name}`);
      const { seconds, messages } = await runOnce(who.runner, { ...settings, ...who.settings, id: randomUUID() });
      rates[side].push(messages / seconds);
    }
  }
  const ratios = rates.subject.map((rate, i) => rate / rates.reference[i]);
  return { rate: spread(rates.subject), referenceRate: spread(rates.reference), ratio: spread(ratios) };
}
