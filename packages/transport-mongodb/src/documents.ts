import type { Document, ObjectId, UpdateFilter } from 'mongodb';

/**
 * A message. Python knows the first four fields, and finds messages by `queue`: while one is reserved that field is called
 * `reserved`, so that no Python consumer sees it, nor the server's expiry (which looks at `expire_at`).
 */
export interface MessageDocument {
  readonly _id: ObjectId;
  /** The envelope. */
  readonly payload: string;
  readonly queue?: string;
  /** 0 is served first: 9 less the priority of the message. */
  readonly priority: number;
  /** When the server removes it by itself. */
  readonly expire_at?: Date | null;
  /** When it is expired, also where that is dead-lettered and the server must not remove it. */
  readonly expires_at?: Date;
  /** Size of the body in bytes, in queues with limits. */
  readonly bytes?: number;
  readonly redelivered?: boolean;
  /** The queue of a message that is reserved. */
  readonly reserved?: string;
  /** The call that has reserved it. */
  readonly owner?: string;
  /** The end of its lease. */
  readonly locked_until?: Date;
  /** `expire_at` while it is reserved. */
  readonly held_expire_at?: Date | null;
}

/** A binding of a queue, as Python writes it too. */
export interface RoutingDocument {
  readonly exchange: string;
  readonly queue: string;
  readonly routing_key: string;
  /** A regular expression for topic exchanges, else null. */
  readonly pattern: string | null;
  readonly expire_at?: Date | null;
}

/** A fanout message, as Python writes it too: `queue` is the exchange. */
export interface BroadcastDocument {
  readonly _id: ObjectId;
  readonly payload: string;
  readonly queue: string;
}

/** The number that a priority is stored as. */
export function storedPriority(priority: number): number {
  return 9 - priority;
}

/** Hides a message and leases it. */
export function claim(owner: string, until: Date): UpdateFilter<Document> {
  return { $rename: { queue: 'reserved', expire_at: 'held_expire_at' }, $set: { owner, locked_until: until } };
}

/** Puts a message back to its place, as delivered before or as it was. */
export function giveBack(flag: 'redelivered' | 'as it was'): UpdateFilter<Document> {
  return {
    $rename: { reserved: 'queue', held_expire_at: 'expire_at' },
    $unset: { owner: '', locked_until: '' },
    ...(flag === 'redelivered' ? { $set: { redelivered: true } } : {}),
  };
}
