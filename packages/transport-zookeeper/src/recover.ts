import type { VirtualDriver } from '@kombu/core/virtual';
import { CODES } from './client.js';
import type { DriverContext } from './driver-context.js';
import { flagged } from './envelope.js';
import type { Step } from './link.js';
import { parseClaim, prefixOf, queueOf } from './paths.js';

/** A message in the hands of nobody. */
interface Orphan {
  readonly queue: string;
  readonly entry: string;
  readonly claim: string;
}

/** Puts a message back at its place in its queue; `false`: somebody else has. What was of a deleted queue goes with it. */
async function putBack({ link, paths }: DriverContext, orphan: Orphan, seen: 'delivered' | 'unseen'): Promise<boolean> {
  const { queue, entry, claim } = orphan;
  const found = await link.get(claim);
  if (found === undefined) return false;
  const data = seen === 'delivered' ? flagged(found) : found;
  const remove: Step = { kind: 'remove', path: claim };
  const places: Step[] = [
    { kind: 'create', path: `${paths.queue(queue)}/${entry}`, data },
    { kind: 'create', path: `${paths.queue(queue)}/${prefixOf(entry)}`, data, sequential: true },
  ];
  for (const place of places) {
    const outcome = await link.multi(`putting back a message of queue '${queue}'`, [remove, place]);
    if (outcome.done) return true;
    const { at, code } = outcome;
    if (at === 0 && code === CODES.noNode) return false;
    if (at === 1 && code === CODES.noNode) {
      await link.remove(claim);
      return false;
    }
    if (code !== CODES.nodeExists) throw link.translate({ code, message: 'refused' }, 'putting back a message');
  }
  return false;
}

/** What a session holds of one queue. */
async function heldOf({ link, paths }: DriverContext, session: string, queue: string): Promise<Orphan[]> {
  const at = paths.claimsOf(queue);
  const { names } = (await link.list(at)) ?? { names: [] };
  return names.sort().flatMap((node) => {
    const claim = parseClaim(node);
    return claim?.session === session ? [{ queue, entry: claim.entry, claim: `${at}/${node}` }] : [];
  });
}

/** The part of the driver that puts back what sessions that have ended still hold. */
export function createRecover(context: DriverContext): NonNullable<VirtualDriver['recover']> {
  const { link, paths, session } = context;

  /** Puts back up to `limit` messages of a session; resolves with how many, and removes the session when nothing is left of it. */
  const recoverSession = async (name: string, limit: number, signal: AbortSignal): Promise<number> => {
    let recovered = 0;
    const { names: queues } = (await link.list(paths.heldBy(name))) ?? { names: [] };
    for (const node of queues) {
      const queue = queueOf(node);
      const orphans = await heldOf(context, name, queue);
      const batch = orphans.slice(0, limit - recovered);
      if (signal.aborted) return recovered;
      const done = await Promise.all(batch.map((orphan) => putBack(context, orphan, 'delivered')));
      recovered += done.filter(Boolean).length;
      if (batch.length < orphans.length) return recovered;
      await link.remove(paths.heldFrom(name, queue));
    }
    await link.remove(paths.heldBy(name));
    return recovered;
  };

  return async ({ limit, signal }) => {
    // Who holds first, and who lives second: a session is there before it holds anything.
    const [held, living] = await Promise.all([link.list(paths.held), link.list(paths.sessions)]);
    const alive = new Set(living?.names);
    let recovered = 0;
    for (const name of held?.names ?? []) {
      if (name === session.name || alive.has(name)) continue;
      if (recovered >= limit || signal.aborted) break;
      recovered += await recoverSession(name, limit - recovered, signal);
    }
    return recovered;
  };
}

/**
 * Gives back what this session took over a link that was lost before it said so: nobody has it, and as long as the session lives nobody
 * would. Nobody has seen it either, so that it is not flagged.
 */
export async function giveBackUnanswered(context: DriverContext): Promise<void> {
  const { link, paths, session } = context;
  if (session.marked.size === 0) return;
  // Another server of the ensemble may not know yet what came of the last requests.
  await link.sync(paths.own);
  for (const queue of session.marked) {
    const mine = await heldOf(context, session.name, queue);
    const unknown = mine.filter(({ claim }) => !session.held.has(claim));
    await Promise.all(unknown.map((orphan) => putBack(context, orphan, 'unseen')));
  }
}

/** Removes what says that this session holds something, where it does not: nobody has to look after it then. */
export async function sayGoodbye({ link, paths, session }: DriverContext): Promise<void> {
  if (session.held.size > 0 || session.marked.size === 0) return;
  const nodes = [...session.marked].map((queue) => link.remove(paths.heldFrom(session.name, queue)));
  await Promise.all([...nodes, link.remove(paths.heldBy(session.name))]);
}
