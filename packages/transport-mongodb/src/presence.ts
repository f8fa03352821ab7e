import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { OperationalError } from '@kombu/core';
import type { PresenceStore } from '@kombu/core/virtual';
import { type ConsumerEntry, type DeclarationDocument, presenceId, queueId } from './declarations.js';
import type { DriverContext } from './driver-context.js';
import { isDuplicate } from './translate-error.js';

/** How often a change is tried while others change the same queue's consumers. */
const MAX_TRIES = 50;
/** The longest pause between two tries. */
const PAUSE_MS = 50;

/** Who uses a queue. */
interface Use {
  readonly consumers: readonly ConsumerEntry[];
  readonly claim: { readonly owner: string; readonly until: number } | null;
}

/** Consumers and exclusive queues: one document a queue, changed by compare-and-set, each entry with a lease of its own. */
export function createPresence(context: DriverContext): PresenceStore {
  const { link, collections, clock, options } = context;
  const { declarations, routing, queues } = collections;
  const now = (): number => clock.in().getTime();

  /** What of a document still counts. */
  const living = (document: DeclarationDocument | null): Use => {
    const { consumers = [], claim } = document ?? {};
    const at = now();
    return {
      consumers: consumers.filter(({ until }) => until > at),
      claim: claim !== undefined && claim !== null && claim.until > at ? claim : null,
    };
  };
  const load = (queue: string, signal?: AbortSignal): Promise<DeclarationDocument | null> =>
    link.run(`asking who uses queue '${queue}'`, () => declarations.findOne({ _id: presenceId(queue) }), signal);

  /** Writes what a queue's document is to be, if it still is what was read. */
  const write = async (queue: string, before: DeclarationDocument | null, use: Use): Promise<boolean> => {
    const _id = presenceId(queue);
    const revision = before?.revision ?? 0;
    // Not one more than before: a document that was removed and made again meanwhile would have the number that was read.
    const next: DeclarationDocument = { _id, kind: 'presence', queue, ...use, revision: randomInt(2 ** 47) };
    if (use.consumers.length === 0 && use.claim === null) {
      return before === null || (await declarations.deleteOne({ _id, revision })).deletedCount > 0;
    }
    if (before !== null) return (await declarations.replaceOne({ _id, revision }, next)).matchedCount > 0;
    try {
      await declarations.insertOne(next);
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  };

  /** Changes who uses a queue until nobody came between; an edit without `use` leaves it as it is. */
  const change = async <T>(
    queue: string,
    signal: AbortSignal | undefined,
    edit: (use: Use) => { readonly use?: Use; readonly result: T },
  ): Promise<T> => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = await load(queue, signal);
      const { use, result } = edit(living(before));
      if (use === undefined) return result;
      if (await link.run(`marking who uses queue '${queue}'`, () => write(queue, before, use), signal)) return result;
      if (tries > 0) await delay(randomInt(PAUSE_MS));
    }
    throw new OperationalError('BROKER_BUSY', `others keep changing who uses queue '${queue}'`);
  };

  const store: PresenceStore = {
    join: ({ queue, consumer, owner, exclusive }, ttlMs, o) =>
      change(queue, o?.signal, (use) => {
        const others = use.consumers.filter((other) => other.consumer !== consumer);
        const refused = exclusive ? others.length > 0 : others.some((other) => other.exclusive);
        if (refused) return { result: false };
        const entry = { consumer, owner, exclusive, until: now() + ttlMs };
        return { use: { ...use, consumers: [...others, entry] }, result: true };
      }),
    leave: (queue, consumer, o) =>
      change(queue, o?.signal, (use) => {
        const left = use.consumers.filter((other) => other.consumer !== consumer);
        if (left.length === use.consumers.length) return { result: left.length };
        return { use: { ...use, consumers: left }, result: left.length };
      }),
    async count(queue, o) {
      return living(await load(queue, o?.signal)).consumers.length;
    },
    async renew(entries, ttlMs, o) {
      await Promise.all(entries.map((entry) => store.join(entry, ttlMs, o)));
    },
    claim: (queue, owner, ttlMs, o) =>
      change(queue, o?.signal, (use) => {
        if (use.claim !== null && use.claim.owner !== owner) return { result: false };
        return { use: { ...use, claim: { owner, until: now() + ttlMs } }, result: true };
      }),
    async claimedBy(queue, o) {
      return living(await load(queue, o?.signal)).claim?.owner;
    },
    unclaim: (queue, owner, o) =>
      change(queue, o?.signal, (use) =>
        use.claim?.owner === owner ? { use: { ...use, claim: null }, result: undefined } : { result: undefined },
      ),
    async touch(queue, expiresMs, o) {
      if (expiresMs <= 0) return; // the queue is gone, and its time with it
      const at = clock.in(expiresMs);
      const what = `marking queue '${queue}' as used`;
      // Who touches it may not know yet that it was deleted, or declared again without such a time.
      const mortal = { $gt: new Date(0) };
      const used = { _id: queueId(queue), kind: 'queue', expires_at: mortal } as const;
      const steps: Promise<unknown>[] = [
        link.run(what, () => declarations.updateOne(used, { $set: { expires_at: at } }), o?.signal),
      ];
      if (options.ttl) {
        const set = { $set: { expire_at: at } };
        steps.push(link.run(what, () => routing.updateMany({ queue, expire_at: mortal }, set), o?.signal));
        steps.push(link.run(what, () => queues.updateOne({ _id: queue, expire_at: mortal }, set), o?.signal));
      }
      await Promise.all(steps);
    },
  };
  return store;
}
