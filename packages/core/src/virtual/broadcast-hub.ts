import { OperationalError } from '../errors/index.js';
import type { Reserved } from './driver.js';
import { asKombuError } from './driver-error.js';
import type { FeedTable } from './feed-table.js';
import type { Link } from './link.js';
import type { BindingRecord } from './topology-store.js';

/** How many fanout messages of one queue wait for its consumers; above it the oldest is dropped, with a warning. */
const MAX_WAITING = 10_000;

/** Stands in for a reservation: a fanout message is held by nobody but this process. */
export class BroadcastToken {
  /** Order of arrival: what is given back goes to its place. */
  readonly order: number;

  constructor(order: number) {
    this.order = order;
  }
}

/** A fanout message that waits for a consumer, or is in the hands of one. */
export interface BroadcastReserved extends Reserved {
  readonly token: BroadcastToken;
}

/** Whether a message came by fanout to subscribers. */
export function isBroadcast(reserved: { readonly token: unknown }): reserved is BroadcastReserved {
  return reserved.token instanceof BroadcastToken;
}

/** Hands a message to a consumer, as the arrivals of a reserve are. */
export type Hand = (reserved: readonly Reserved[], noAck: boolean) => void;

/**
 * Fanout that the store gives to whoever is subscribed at that moment. What comes waits here, within bounds, until a consumer
 * of its queue has credit; settling it needs no broker.
 */
export class BroadcastHub {
  readonly #link: Link;
  readonly #feeds: FeedTable;
  readonly #hand: Hand;
  readonly #waiting = new Map<string, BroadcastReserved[]>();
  readonly #subscriptions = new Map<string, Map<string, Promise<{ close(): Promise<void> }>>>();
  #orders = 0;
  #full = false;
  #state: 'open' | 'closed' = 'open';

  constructor(link: Link, feeds: FeedTable, hand: Hand) {
    this.#link = link;
    this.#feeds = feeds;
    this.#hand = hand;
  }

  /** Subscribes a queue to a fanout exchange that it is bound to; resolves when the broker has the subscription. */
  async subscribe(binding: BindingRecord): Promise<void> {
    const { broadcast } = this.#link.driver;
    if (broadcast === undefined) return;
    const queue = binding.destination;
    const key = JSON.stringify([binding.exchange, binding.routingKey]);
    let all = this.#subscriptions.get(queue);
    if (all === undefined) {
      all = new Map();
      this.#subscriptions.set(queue, all);
    }
    let subscription = all.get(key);
    if (subscription === undefined) {
      const { exchange, routingKey } = binding;
      subscription = broadcast.subscribe({ exchange, routingKey, queue }, (payload) => this.#came(queue, payload));
      all.set(key, subscription);
      subscription.catch(() => all.delete(key));
    }
    await subscription;
  }

  /** Ends one subscription, or all of a queue. What has come already stays. */
  unsubscribe(queue: string, binding?: BindingRecord): void {
    const all = this.#subscriptions.get(queue);
    if (all === undefined) return;
    const only = binding === undefined ? undefined : JSON.stringify([binding.exchange, binding.routingKey]);
    for (const [key, subscription] of all) {
      if (only !== undefined && key !== only) continue;
      all.delete(key);
      subscription
        .then((one) => one.close())
        .catch((cause: unknown) => {
          if (this.#state === 'open') this.#link.warn(asKombuError(cause, `unsubscribing queue '${queue}' failed`));
        });
    }
    if (all.size === 0) this.#subscriptions.delete(queue);
  }

  /** One message that waits, for `get`. */
  take(queue: string): BroadcastReserved | undefined {
    const waiting = this.#waiting.get(queue);
    const first = waiting?.shift();
    if (waiting?.length === 0) this.#waiting.delete(queue);
    return first;
  }

  /** Back to where it was, as it was. */
  release(one: Pick<BroadcastReserved, 'queue' | 'token' | 'payload' | 'redelivered'>): void {
    const { queue, token, payload, redelivered } = one;
    const waiting = this.#waitingOf(queue);
    const at = waiting.findIndex((other) => other.token.order > token.order);
    waiting.splice(at < 0 ? waiting.length : at, 0, { queue, token, payload, redelivered });
    this.#pumpSoon(queue);
  }

  /** To the back of its queue, as delivered before. */
  requeue(one: Pick<BroadcastReserved, 'queue' | 'payload'>): void {
    const token = new BroadcastToken(++this.#orders);
    this.#waitingOf(one.queue).push({ queue: one.queue, token, payload: one.payload, redelivered: true });
    this.#pumpSoon(one.queue);
  }

  /** Credit came back. */
  resume(): void {
    if (this.#waiting.size === 0) return;
    for (const queue of this.#waiting.keys()) this.#pumpSoon(queue);
  }

  /** Drops what waits; returns how many that were. */
  purge(queue: string): number {
    const count = this.#waiting.get(queue)?.length ?? 0;
    this.#waiting.delete(queue);
    return count;
  }

  close(): void {
    this.#state = 'closed';
    for (const queue of [...this.#subscriptions.keys()]) this.unsubscribe(queue);
    this.#waiting.clear();
  }

  #came(queue: string, payload: string): void {
    if (this.#state === 'closed') return;
    const waiting = this.#waitingOf(queue);
    waiting.push({ queue, token: new BroadcastToken(++this.#orders), payload });
    if (waiting.length > MAX_WAITING) {
      waiting.shift();
      if (!this.#full) {
        const what = `queue '${queue}' has ${MAX_WAITING} fanout messages waiting: the oldest are dropped`;
        this.#link.warn(new OperationalError('BROKER_BUSY', what));
      }
      this.#full = true;
    } else this.#full = false;
    this.#pump(queue);
  }

  #waitingOf(queue: string): BroadcastReserved[] {
    let waiting = this.#waiting.get(queue);
    if (waiting === undefined) {
      waiting = [];
      this.#waiting.set(queue, waiting);
    }
    return waiting;
  }

  /** After what is being done now: a consumer that settles is not handed a message in the middle of it. */
  #pumpSoon(queue: string): void {
    setImmediate(() => this.#pump(queue));
  }

  /** Hands out as much as there is credit for. */
  #pump(queue: string): void {
    const waiting = this.#waiting.get(queue);
    if (waiting === undefined) return;
    for (const noAck of [false, true]) {
      const free = this.#feeds.get(queue, noAck)?.free() ?? 0;
      const some = free === 0 ? [] : waiting.splice(0, Math.min(free, waiting.length));
      if (some.length > 0) this.#hand(some, noAck);
    }
    if (waiting.length === 0 && this.#waiting.get(queue) === waiting) this.#waiting.delete(queue);
  }
}
