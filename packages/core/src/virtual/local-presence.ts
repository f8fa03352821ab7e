import { type Clock, systemClock } from '../util/clock.js';
import type { PresenceEntry, PresenceStore } from './presence-store.js';

interface Claim {
  readonly owner: string;
  readonly until: number;
}

interface Consumer {
  readonly entry: PresenceEntry;
  until: number;
}

/**
 * Who consumes, for brokers that live in this process and for drivers whose store cannot tell. Entries lapse like those of a
 * shared store, so that a connection that is lost for good lets go of what it held.
 */
export function createLocalPresence(clock: Clock = systemClock): PresenceStore {
  const queues = new Map<string, Map<string, Consumer>>();
  const claims = new Map<string, Claim>();
  /** Wall clock of the last use of a queue with `x-expires`. */
  const used = new Map<string, number>();

  const live = (queue: string): Map<string, Consumer> | undefined => {
    const consumers = queues.get(queue);
    if (consumers === undefined) return undefined;
    const now = clock.monotonic();
    for (const [id, consumer] of consumers) if (consumer.until <= now) consumers.delete(id);
    if (consumers.size > 0) return consumers;
    queues.delete(queue);
    return undefined;
  };

  const claim = (queue: string): Claim | undefined => {
    const held = claims.get(queue);
    if (held === undefined || held.until > clock.monotonic()) return held;
    claims.delete(queue);
    return undefined;
  };

  return {
    local: true,
    async join(entry, ttlMs) {
      const consumers = live(entry.queue);
      for (const [id, other] of consumers ?? []) {
        if (id !== entry.consumer && (entry.exclusive || other.entry.exclusive)) return false;
      }
      const until = clock.monotonic() + ttlMs;
      if (consumers === undefined) queues.set(entry.queue, new Map([[entry.consumer, { entry, until }]]));
      else consumers.set(entry.consumer, { entry, until });
      return true;
    },
    async leave(queue, consumer) {
      live(queue)?.delete(consumer);
      if (used.has(queue)) used.set(queue, clock.now());
      return live(queue)?.size ?? 0;
    },
    count: async (queue) => live(queue)?.size ?? 0,
    async renew(entries, ttlMs) {
      const until = clock.monotonic() + ttlMs;
      for (const entry of entries) {
        const consumer = queues.get(entry.queue)?.get(entry.consumer);
        if (consumer !== undefined) consumer.until = until;
      }
    },
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
      return live(queue) === undefined ? used.get(queue) : undefined;
    },
  };
}
