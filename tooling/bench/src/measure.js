import { randomUUID } from 'node:crypto';
import { figuresOf } from './figures.js';
import { runOnce } from './run-once.js';
import { ratios, spreads } from './statistics.js';
import { targetOf, verdictOf } from './verdict.js';

/**
 * Runs a subject and its references in turn (A B C A B C ...), each run in a fresh process, and compares them round by round,
 * so that what slows the machine down for a while slows both sides of a ratio.
 *
 * @param {import('./types.d.ts').Comparison} comparison
 * @param {object} conditions
 * @param {import('./types.d.ts').Settings} conditions.settings what all runs are given beside the comparison's own: the URL
 * @param {number} conditions.pairs rounds that count
 * @param {(settings: import('./types.d.ts').Settings) => import('./types.d.ts').Settings} [conditions.warmUp] a round that does not
 *   count goes first, with the settings made smaller by this: it warms the broker and the disk's cache, each process warms itself
 * @param {(participant: import('./types.d.ts').Participant) => string | undefined} [conditions.unavailable] why one cannot run here
 * @param {(settings: import('./types.d.ts').Settings) => import('./types.d.ts').Settings} [conditions.scale] makes a run smaller
 * @param {(text: string) => void} [conditions.progress]
 * @param {AbortSignal} [conditions.signal] ends the run that is on, and rejects
 * @param {typeof runOnce} [conditions.runner] starts one run
 */
export async function measure(comparison, conditions) {
  const { settings, pairs, warmUp, unavailable = () => undefined, scale = (same) => same } = conditions;
  const { progress = () => {}, signal, runner = runOnce } = conditions;
  const { what, figure = 'rate', subject, references } = comparison;
  const skipped = references.map(unavailable);
  const present = references.filter((_, i) => skipped[i] === undefined);
  const participants = [subject, ...present];
  const runs = participants.map(() => []);
  const rounds = pairs + (warmUp === undefined ? 0 : 1);

  for (let round = 0; round < rounds; round++) {
    const counts = round >= rounds - pairs;
    const label = counts ? `round ${round + 1 + pairs - rounds} of ${pairs}` : 'warm-up';
    for (const [i, who] of participants.entries()) {
      progress(`${what}: ${label}: ${who.name}`);
      const own = (counts ? scale : warmUp)({ ...comparison.settings, ...who.settings });
      const printed = await runner(who.runner, { ...own, ...settings, id: randomUUID() }, signal);
      const figures = figuresOf(printed);
      if (figures[figure] === undefined) throw new Error(`${who.runner} printed no figure '${figure}'`);
      if (counts) runs[i].push(figures);
    }
  }

  const figures = spreads(runs[0]);
  const own = targetOf(comparison);
  return {
    what,
    figure,
    date: new Date().toISOString(),
    subject: { name: subject.name, figures },
    ...(own && { target: own, verdict: verdictOf(figures[figure].median, own), reason: comparison.reason }),
    references: references.map((reference, i) => {
      if (skipped[i] !== undefined) return { name: reference.name, target: targetOf(reference), skipped: skipped[i] };
      const theirs = runs[1 + present.indexOf(reference)];
      const ratio = ratios(runs[0], theirs, figure);
      const target = targetOf(reference);
      const verdict = verdictOf(ratio.median, target);
      return { name: reference.name, figures: spreads(theirs), ratio, target, verdict, reason: reference.reason };
    }),
  };
}
