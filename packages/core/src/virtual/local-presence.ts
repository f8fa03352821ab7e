import { type Clock, systemClock } from '../util/clock.js';
import type { PresenceEntry, PresenceStore } from './presence-store.js';

interface Claim {
  readonly owner: string;
  readonly until: number;
}

/**
 * Who consumes, for brokers that live in this process and for drivers whose store cannot tell. A connection that is lost leaves
 * at once; its claims lapse like those of a shared store, so that the same Connection can come back to its exclusive queues.
 */
export function createLocalPresence(clock: Clock = systemClock): PresenceStore {
  const queues = new Map<string, Map<string, PresenceEntry>>();
  const claims = new Map<string, Claim>();
  /** Wall clock of the last use of a queue with `x-expires`. */
  const used = new Map<string, number>();

  const claim = (queue: string): Claim | undefined => {
    const held = claims.get(queue);
    if (held === undefined || held.until > clock.monotonic()) return held;
    claims.delete(queue);
    return undefined;
  };

  return {
    local: true,
    async join(entry) {
      const consumers = queues.get(entry.queue) ?? new Map<string, PresenceEntry>();
      for (const [id, other] of consumers) {
        if (id !== entry.consumer && (entry.exclusive || other.exclusive)) return false;
      }
      queues.set(entry.queue, consumers.set(entry.consumer, entry));
      return true;
    },
    async leave(queue, consumer) {
      const consumers = queues.get(queue);
      if (consumers?.delete(consumer) && used.has(queue)) used.set(queue, clock.now());
      if (consumers?.size === 0) queues.delete(queue);
      return consumers?.size ?? 0;
    },
    count: async (queue) => queues.get(queue)?.size ?? 0,
    async renew() {},
    async claim(queue, owner, ttlMs) {
      const held = claim(queue);
      if (held !== undefined && held.owner !== owner) return false;
      claims.set(queue, { owner, until: clock.monotonic() + ttlMs });
      return true;
    },
    claimedBy: async (queue) => claim(queue)?.owner,
    async unclaim(queue, owner) {
      if (claims.get(queue)?.owner === owner) claims.delete(queue);
    },
    async touch(queue, expiresMs) {
      if (expiresMs > 0) used.set(queue, clock.now());
      else used.delete(queue);
    },
    idleSince(queue) {
      return queues.has(queue) ? undefined : used.get(queue);
    },
  };
}
