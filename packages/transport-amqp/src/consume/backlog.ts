import type { Backlogged, ChannelCore } from '../channel/core.js';
import type { AmqpDelivery } from './delivery.js';

/**
 * Deliveries that the broker has sent and the consumer may not hold yet: its prefetch was lowered, its subscription was
 * replaced, or the channel as a whole is full. Empty nearly always. Oldest first.
 */
export class Backlog implements Backlogged {
  readonly #core: ChannelCore;
  readonly #hand: () => void;
  #items: AmqpDelivery[] = [];

  /** `hand` is called when there may be room. */
  constructor(core: ChannelCore, hand: () => void) {
    this.#core = core;
    this.#hand = hand;
  }

  get size(): number {
    return this.#items.length;
  }

  push(delivery: AmqpDelivery): void {
    if (this.#items.push(delivery) === 1) this.#core.backlogged.add(this);
  }

  shift(): AmqpDelivery | undefined {
    const next = this.#items.shift();
    if (this.#items.length === 0) this.#core.backlogged.delete(this);
    return next;
  }

  /** Empties it, and returns what was in it. */
  take(): readonly AmqpDelivery[] {
    const items = this.#items;
    this.#items = [];
    this.#core.backlogged.delete(this);
    return items;
  }

  handBacklog(): void {
    this.#hand();
  }
}
