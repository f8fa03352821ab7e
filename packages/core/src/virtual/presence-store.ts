import type { MaybePromise, Op } from '../transport/channel.js';

/** A consumer, as others see it. */
export interface PresenceEntry {
  readonly queue: string;
  /** Names the consumer among all processes. */
  readonly consumer: string;
  /** Names the connection it belongs to. */
  readonly owner: string;
  readonly exclusive: boolean;
}

/** Who consumes from which queue, leased, so that a dead process's entries go away by themselves. */
export interface PresenceStore {
  /** It lives in this process, and can be told even when the link is gone. */
  readonly local?: true;
  /** Adds a consumer unless an exclusive one is there (or it wants to be exclusive and is not alone): false then. */
  join(entry: PresenceEntry, ttlMs: number, o?: Op): Promise<boolean>;
  /** Removes a consumer; resolves with how many are left. */
  leave(queue: string, consumer: string, o?: Op): Promise<number>;
  /** Live consumers of a queue. */
  count(queue: string, o?: Op): Promise<number>;
  /** Renews all entries of this process. Claims are renewed by claiming again. */
  renew(entries: readonly PresenceEntry[], ttlMs: number, o?: Op): Promise<void>;
  /** Makes a queue this connection's own (exclusive queues) unless a live connection has it: false then. */
  claim(queue: string, owner: string, ttlMs: number, o?: Op): Promise<boolean>;
  /** Whose own the queue is, if a live connection's. */
  claimedBy(queue: string, o?: Op): Promise<string | undefined>;
  /** Gives the claim up. */
  unclaim(queue: string, owner: string, o?: Op): Promise<void>;
  /** Marks the queue as used just now, for `x-expires`; stores that expire keys by themselves do so here. 0: the queue is gone. */
  touch?(queue: string, expiresMs: number, o?: Op): Promise<void>;
  /**
   * Since when (wall clock) nobody has used the queue; undefined: it is in use, or unknown. Only for stores that do not expire
   * queues by themselves: core then deletes those whose `x-expires` has passed.
   */
  idleSince?(queue: string): MaybePromise<number | undefined>;
}
