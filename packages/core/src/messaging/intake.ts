import type { Channel } from '../connection/channel.js';
import type { CallOptions } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import type { KombuError } from '../errors/index.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import type { Admission } from './admission.js';
import type { Failures } from './failures.js';
import { Inbox, type Sink } from './inbox.js';
import type { Message } from './message.js';
import { release, Subscription, type SubscriptionEvents } from './subscription.js';

/** What an {@link Intake} needs of its owner. */
export interface IntakeEvents {
  cancelled(subscription: Subscription, why: KombuError): void;
  revived(queue: string): void;
}

/** How one queue is consumed. */
export interface SubscribeOptions {
  readonly tag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly noLocal: boolean;
  readonly schema: StandardSchema | undefined;
}

/** The queues that somebody consumes from, and the messages on their way from there to a sink. */
export class Intake implements SubscriptionEvents {
  readonly #channel: Channel;
  readonly #inbox: Inbox;
  readonly #failures: Failures;
  readonly #events: IntakeEvents;
  readonly #subscriptions = new Map<string, Subscription>();
  #prefetch: number;

  constructor(
    channel: Channel,
    admission: Admission,
    sink: Sink,
    failures: Failures,
    prefetch: number,
    events: IntakeEvents,
  ) {
    this.#channel = channel;
    this.#inbox = new Inbox(admission, sink, prefetch);
    this.#failures = failures;
    this.#prefetch = prefetch;
    this.#events = events;
  }

  /** Where messages wait and are held. */
  get inbox(): Inbox {
    return this.#inbox;
  }

  /** Whether this queue is consumed from. */
  has(queue: string): boolean {
    return this.#subscriptions.has(queue);
  }

  /** The consumer tag for this queue. */
  tagOf(queue: string): string | undefined {
    return this.#subscriptions.get(queue)?.tag;
  }

  /** How many queues are consumed from. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Starts to consume from a queue that is declared. */
  async subscribe(queue: BoundQueue, options: SubscribeOptions, call?: CallOptions): Promise<void> {
    const { name } = queue;
    const subscription = new Subscription(name, options, this.#channel, this.#inbox, this);
    this.#subscriptions.set(name, subscription);
    const request = {
      queue: name,
      tag: options.tag,
      noAck: options.noAck,
      exclusive: options.exclusive,
      noLocal: options.noLocal,
      arguments: queue.entity.consumerArguments,
      prefetch: this.#prefetch,
    };
    try {
      await this.#channel.consume(request, subscription, call);
    } catch (error) {
      this.#forget(subscription);
      throw error;
    }
    // Ended meanwhile, maybe before the broker had it.
    if (this.#subscriptions.get(name) !== subscription) await this.#channel.cancel(options.tag);
  }

  #forget(subscription: Subscription): void {
    if (this.#subscriptions.get(subscription.queue) === subscription) this.#subscriptions.delete(subscription.queue);
  }

  /** Ends the consuming of one queue, if it is consumed from. */
  async end(queue: string): Promise<void> {
    const subscription = this.#subscriptions.get(queue);
    if (subscription === undefined) return;
    this.#subscriptions.delete(queue);
    await subscription.end();
  }

  /** Ends all consuming. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#subscriptions.keys()].map((queue) => this.end(queue)));
  }

  /** Changes the prefetch of what is and what will be consumed. */
  async setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    this.#inbox.setLimit(prefetch);
    await Promise.all([...this.#subscriptions.values()].map(({ tag }) => this.#channel.setPrefetch(tag, prefetch)));
  }

  /** Puts everything that is not settled back on its queue. */
  async recover(): Promise<void> {
    const waiting = this.#inbox.withdraw(unsettled);
    const held = this.#inbox.forget(unsettled);
    this.#failures.drop(held);
    try {
      await this.#channel.recover({ requeue: true });
    } catch (error) {
      for (const message of waiting) release(message);
      throw error;
    }
    for (const message of waiting) message.mark('released');
    for (const message of held) message.mark('requeued');
  }

  cancelledByBroker(subscription: Subscription, why: KombuError): void {
    this.#forget(subscription);
    this.#events.cancelled(subscription, why);
  }

  settleFailed(message: Message, error: KombuError): void {
    this.#failures.settleFailed(message, error);
  }

  revived(subscription: Subscription): void {
    this.#events.revived(subscription.queue);
  }

  /** Where deliveries die with their link the broker delivers them again, to us or to others. */
  linkLost(): void {
    if (this.#channel.connection.capabilities?.settleAfterReconnect) return;
    for (const message of this.#inbox.withdraw(unsettled)) message.mark('released');
    this.#failures.drop(this.#inbox.forget(unsettled));
  }
}

const unsettled = (message: Message): boolean => !message.owner.noAck;
