import type { MaybePromise, Op } from '../transport/channel.js';
import type { WireMessage } from '../transport/delivery.js';
import type { ItemFailure } from './driver.js';

/** A fanout message. */
export interface BroadcastEntry {
  readonly exchange: string;
  readonly routingKey: string;
  /** The JSON envelope. */
  readonly payload: string;
  /** The message itself, for drivers that read properties of their own. */
  readonly message: WireMessage;
}

/** Fanout that reaches whoever is subscribed at that moment: at most once, no lease. */
export interface BroadcastStore {
  /** Resolves with those that were not published, if any; rejects when none was. */
  publish(entries: readonly BroadcastEntry[], o?: Op): MaybePromise<void> | Promise<readonly ItemFailure[]>;
  /** Resolves when the broker has the subscription: what is published from then on is delivered. */
  subscribe(
    request: { readonly exchange: string; readonly routingKey: string; readonly queue: string },
    deliver: (payload: string) => void,
    o?: Op,
  ): Promise<{ close(): Promise<void> }>;
}
