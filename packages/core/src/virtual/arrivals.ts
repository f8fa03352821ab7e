import type { Clock } from '../util/clock.js';
import type { Content } from './delivery.js';
import type { Reserved } from './driver.js';
import type { FeedTable } from './feed-table.js';

/** What becomes of messages that a reserve brought. */
export interface ArrivalHooks {
  /** Makes a message of what was stored. Never throws. */
  open(reserved: Reserved): Content;
  /** It came too late: dead-lettered or dropped, and settled. */
  expired(reserved: Reserved, content: Content, noAck: boolean): void;
  /** Nobody is there to take them: back to the front of their queues, in order. */
  release(reserved: readonly Reserved[], noAck: boolean): void;
}

/**
 * Hands out what a reserve brought; consumers of a queue take turns, and what has expired or is for nobody goes its other way.
 * Returns the credits that were used up, by queue; a queue whose messages were all expired or for nobody is in it with 0.
 */
export function dispatch(
  got: readonly Reserved[],
  noAck: boolean,
  feeds: FeedTable,
  clock: Clock,
  hooks: ArrivalHooks,
): ReadonlyMap<string, number> {
  const claims = new Map<string, number>();
  let unwanted: Reserved[] | undefined;
  // What comes is of one queue for long stretches: the map is written at their ends.
  let queue: string | undefined;
  let claimed = 0;
  for (const reserved of got) {
    if (reserved.queue !== queue) {
      if (queue !== undefined) claims.set(queue, claimed);
      queue = reserved.queue;
      claimed = claims.get(queue) ?? 0;
    }
    const content = hooks.open(reserved);
    const expiresAt = reserved.expiresAt ?? content.expiresAt;
    if (expiresAt !== undefined && expiresAt <= clock.now()) {
      hooks.expired(reserved, content, noAck);
      continue;
    }
    // The feed as it is now: a consumer may have ended, or called cancel while it was handed the one before.
    const consumer = feeds.get(queue, noAck)?.claim();
    if (consumer === undefined) {
      unwanted ??= [];
      unwanted.push(reserved);
      continue;
    }
    claimed++;
    consumer.deliver(reserved, content);
  }
  if (queue !== undefined) claims.set(queue, claimed);
  if (unwanted !== undefined) hooks.release(unwanted, noAck);
  return claims;
}
