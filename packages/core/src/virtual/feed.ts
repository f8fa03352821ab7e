import type { Delivery } from '../transport/delivery.js';
import type { Credit } from './credit.js';
import type { Content } from './delivery.js';
import type { Reserved } from './driver.js';
import type { QueueSettings } from './queue-arguments.js';

/** A consumer, as the consume loop sees it. */
export interface LoopConsumer {
  readonly tag: string;
  readonly noAck: boolean;
  readonly credit: Credit;
  /** Shared by all consumers of its channel, where that has a limit. */
  readonly channelCredit: Credit;
  /** Hands a message over, synchronously. Never throws. */
  deliver(reserved: Reserved, content: Content): void;
}

/**
 * `cold`: nothing there, as far as is known. `ready`: to be asked. `starved`: to be asked once there is credit again.
 * `busy`: as many reserves are in the air as may be.
 */
export type FeedState = 'cold' | 'ready' | 'starved' | 'busy';

/** One queue with all of this link's consumers of it. They take turns. */
export class Feed {
  readonly queue: string;
  readonly noAck: boolean;
  settings: QueueSettings;
  state: FeedState = 'cold';
  /** The last reserve brought something. */
  served = false;
  /** How often a reserve has brought nothing. */
  emptyLooks = 0;
  /** Something came since the last reserve was sent. */
  woken = false;
  /** The last answer was a full one. */
  hasMore = false;
  /** A reserve that asked it together with others was refused: it is asked by itself, until that succeeds. */
  alone = false;
  /** Reserves in the air. */
  reserves = 0;
  #consumers: LoopConsumer[] = [];
  #granted = new Map<LoopConsumer, number>();
  #turn = 0;

  constructor(queue: string, noAck: boolean, settings: QueueSettings) {
    this.queue = queue;
    this.noAck = noAck;
    this.settings = settings;
  }

  get consumers(): readonly LoopConsumer[] {
    return this.#consumers;
  }

  add(consumer: LoopConsumer): void {
    this.#consumers.push(consumer);
    this.#granted.set(consumer, 0);
  }

  /** Takes a consumer out, with the credit it has in the air. */
  remove(consumer: LoopConsumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at < 0) return;
    this.#consumers.splice(at, 1);
    this.#ungrant(consumer, this.#granted.get(consumer) ?? 0);
    this.#granted.delete(consumer);
  }

  /** How many messages its consumers could take now. */
  free(): number {
    let free = 0;
    for (const consumer of this.#consumers) free += freeOf(consumer);
    return free;
  }

  /** Takes up to `count` credits for a reserve, in even shares; resolves to how many it got. */
  grant(count: number): number {
    let left = count;
    for (let n = this.#consumers.length; n > 0 && left > 0; n--) {
      const consumer = this.#next();
      if (consumer === undefined) break;
      const share = Math.min(Math.ceil(left / n), freeOf(consumer));
      if (share === 0) continue;
      consumer.credit.take(share);
      consumer.channelCredit.take(share);
      this.#granted.set(consumer, (this.#granted.get(consumer) ?? 0) + share);
      left -= share;
    }
    return count - left;
  }

  /** The consumer whose turn it is, its credit taken; undefined: none has any. */
  claim(): LoopConsumer | undefined {
    for (let n = this.#consumers.length; n > 0; n--) {
      const consumer = this.#next();
      const granted = consumer && this.#granted.get(consumer);
      if (consumer === undefined || !granted) continue;
      this.#granted.set(consumer, granted - 1);
      return consumer;
    }
    for (const consumer of this.#consumers) {
      if (freeOf(consumer) === 0) continue;
      consumer.credit.take(1);
      consumer.channelCredit.take(1);
      return consumer;
    }
    return undefined;
  }

  /** Gives back credits of a reserve that brought less than it was given. */
  giveBack(count: number): void {
    let left = count;
    for (const consumer of this.#consumers) {
      if (left === 0) return;
      const share = Math.min(left, this.#granted.get(consumer) ?? 0);
      this.#ungrant(consumer, share);
      left -= share;
    }
  }

  #ungrant(consumer: LoopConsumer, count: number): void {
    if (count === 0) return;
    consumer.credit.give(count);
    consumer.channelCredit.give(count);
    this.#granted.set(consumer, (this.#granted.get(consumer) ?? 0) - count);
  }

  #next(): LoopConsumer | undefined {
    if (this.#turn >= this.#consumers.length) this.#turn = 0;
    return this.#consumers[this.#turn++];
  }
}

function freeOf(consumer: LoopConsumer): number {
  return Math.min(consumer.credit.free, consumer.channelCredit.free);
}

/** What a delivery is called with by its channel's owner. */
export type Deliver = (delivery: Delivery) => void;
