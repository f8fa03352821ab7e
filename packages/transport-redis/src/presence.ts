import type { PresenceEntry, PresenceStore } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { claim, join, leave, unclaim } from './lua/presence.js';
import { touchQueue } from './lua/queue-records.js';
import { topologyArgs, topologyKeys } from './topology.js';

function memberOf(entry: PresenceEntry): string {
  return `${entry.exclusive ? 'x' : '-'}|${entry.owner.replaceAll('|', '_')}|${entry.consumer}`;
}

/** Consumers and exclusive queues in Redis, each with a time to live of its own. */
export function createPresence(context: DriverContext): PresenceStore {
  const { link, keys } = context;
  /** What this link has claimed, to be renewed with the consumers. */
  const claims = new Map<string, string>();

  return {
    async join(entry, ttlMs, o) {
      return (await link.run(join, [keys.presence(entry.queue)], [memberOf(entry), ttlMs], o?.signal)) === 1;
    },
    async leave(queue, consumer, o) {
      return Number(await link.run(leave, [keys.presence(queue)], [consumer], o?.signal));
    },
    async count(queue, o) {
      return Number(await link.run(leave, [keys.presence(queue)], [''], o?.signal));
    },
    async renew(entries, ttlMs, o) {
      const calls: Promise<unknown>[] = [];
      for (const entry of entries) {
        calls.push(link.run(join, [keys.presence(entry.queue)], [memberOf(entry), ttlMs], o?.signal));
      }
      for (const [queue, owner] of claims) calls.push(link.run(claim, [keys.claim(queue)], [owner, ttlMs], o?.signal));
      await Promise.all(calls);
    },
    async claim(queue, owner, ttlMs, o) {
      const mine = (await link.run(claim, [keys.claim(queue)], [owner, ttlMs], o?.signal)) === 1;
      if (mine) claims.set(queue, owner);
      return mine;
    },
    async claimedBy(queue, o) {
      const owner = await link.call('asking for the owner of a queue', 'get', [keys.claim(queue)], o?.signal);
      return typeof owner === 'string' ? owner : undefined;
    },
    async unclaim(queue, owner, o) {
      claims.delete(queue);
      await link.run(unclaim, [keys.claim(queue)], [owner], o?.signal);
    },
    async touch(queue, expiresMs, o) {
      if (expiresMs <= 0) return; // the queue is gone, and its time with it
      const scriptKeys = [...topologyKeys(context), ...keys.lists(queue)];
      const touched = link.run(
        touchQueue,
        scriptKeys,
        [...topologyArgs(context), queue, Math.ceil(expiresMs)],
        o?.signal,
      );
      // What we change ourselves the server forgets to tell of.
      await Promise.all([touched, link.tracked('EXISTS', 'exists', [keys.record(queue)], o?.signal)]);
    },
  };
}
