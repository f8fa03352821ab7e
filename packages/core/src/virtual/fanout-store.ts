import type { Op } from '../transport/channel.js';
import type { BroadcastEntry } from './broadcast-store.js';
import type { ItemFailure } from './driver.js';
import type { BindingRecord } from './topology-store.js';

/**
 * Fanout that the broker does by itself: what is published once is copied into every queue that is bound, whichever process
 * bound it and whether somebody consumes or not. Bindings of queues to fanout exchanges are handed over as they are made.
 */
export interface FanoutStore {
  /** Resolves with the entries that were not taken. */
  publish(entries: readonly BroadcastEntry[], o?: Op): Promise<readonly ItemFailure[]>;
  /** Resolves when the queue gets what is published from then on. Idempotent. */
  bind(binding: BindingRecord, o?: Op): Promise<void>;
  /** Unknown bindings are ignored, and so are those to exchanges that are no fanout. */
  unbind(binding: BindingRecord, o?: Op): Promise<void>;
  /** The exchange was deleted. */
  drop(exchange: string, o?: Op): Promise<void>;
}
