import { diagnosticsChannels } from '../diagnostics/channels.js';
import { traceDelivery } from '../diagnostics/publications.js';
import { InvalidOptionError, KombuError } from '../errors/index.js';
import type { ConsumeRequest, Channel as TransportChannel } from '../transport/channel.js';
import type { Delivery } from '../transport/delivery.js';
import { onAbort } from '../util/abort.js';
import { isLinkError } from './retry.js';
import type { RevivalReport } from './revival.js';
import { isLocked } from './second-chance.js';

/**
 * Who gets the deliveries of a consumer. Every method is called synchronously and must not throw.
 */
export interface Subscriber {
  deliver(delivery: Delivery): void;
  /** The consumer is over: its queue was deleted, the broker ended it, or the link is not coming back. */
  cancelledByBroker?(why: KombuError): void;
  /** A settlement that was taken has failed later, for example because the lease was lost. */
  settleFailed?(delivery: Delivery, error: KombuError): void;
  /** The link was lost; what was delivered before may be stale now. */
  linkLost?(): void;
  /** The consumer consumes again, on a new link. */
  revived?(): void;
}

interface Subscription {
  request: ConsumeRequest;
  readonly subscriber: Subscriber;
  /** Which start of the consumer its deliveries must come from. */
  start: number;
  /**
   * `live`: the broker has it. `locked`: the broker still believes in an old link that had it. `abandoned`: nobody wants it any
   * more, though it may still start.
   */
  state: 'starting' | 'live' | 'locked' | 'abandoned';
}

/** What the consumers of a channel need of it. */
export interface SubscriptionHost {
  readonly connectionId: string;
  readonly channelId: number;
  /** The name that a queue has by now. */
  queueName(name: string): string;
  /** A delivery was handed over. */
  delivered(): void;
  /** A consumer is there, or about to be. */
  started(queue: string): void;
  /** A consumer is over. */
  ended(queue: string): void;
  error(error: unknown): void;
}

/** The consumers of one channel: started, started again on each link, and cancelled. */
export class Subscriptions {
  readonly #host: SubscriptionHost;
  readonly #byTag = new Map<string, Subscription>();

  constructor(host: SubscriptionHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#byTag.size;
  }

  get tags(): readonly string[] {
    return [...this.#byTag.keys()];
  }

  /** Whether a consumer of this channel consumes from `queue`. */
  consumesFrom(queue: string): boolean {
    for (const { request } of this.#byTag.values()) if (this.#host.queueName(request.queue) === queue) return true;
    return false;
  }

  async start(
    raw: TransportChannel,
    request: ConsumeRequest,
    subscriber: Subscriber,
    signal?: AbortSignal,
  ): Promise<void> {
    const { tag } = request;
    if (this.#byTag.has(tag)) throw new InvalidOptionError(`the channel has a consumer '${tag}' already`);
    const subscription: Subscription = { request: { ...request }, subscriber, start: 0, state: 'starting' };
    this.#byTag.set(tag, subscription);
    this.#host.started(this.#host.queueName(request.queue));
    const abandon = () => {
      subscription.state = 'abandoned';
      this.#forget(tag, subscription);
    };
    const stop = signal === undefined ? undefined : onAbort(signal, abandon);
    try {
      await this.#consume(raw, subscription, signal);
    } catch (error) {
      this.#forget(tag, subscription);
      throw error;
    } finally {
      stop?.();
    }
    if (this.#byTag.get(tag) !== subscription) await raw.cancel(tag);
  }

  /** Starts every consumer on a new level-1 channel, or those that were locked out; what the broker refuses is over. */
  async restart(raw: TransportChannel, report: RevivalReport, signal: AbortSignal, which?: 'locked'): Promise<void> {
    for (const [tag, subscription] of [...this.#byTag]) {
      // One that is still being started reports by itself.
      if (subscription.state !== 'locked' && (which === 'locked' || subscription.state !== 'live')) continue;
      const done = await report.step('consumer', tag, signal, async (s) => {
        await this.#consume(raw, subscription, s);
        return true;
      });
      if (this.#byTag.get(tag) !== subscription) await raw.cancel(tag);
      else if (done) {
        subscription.state = 'live';
        report.consumers.push(tag);
        this.#tell(() => subscription.subscriber.revived?.());
      } else this.#refused(tag, subscription, report);
    }
  }

  get anyLocked(): boolean {
    for (const { state } of this.#byTag.values()) if (state === 'locked') return true;
    return false;
  }

  /** Consumers that are still locked out are over. */
  endLocked(error: KombuError): void {
    for (const [tag, { state }] of [...this.#byTag]) if (state === 'locked') this.cancelled(tag, error);
  }

  #refused(tag: string, subscription: Subscription, { failed }: RevivalReport): void {
    const { request } = subscription;
    const error = failed.findLast(({ kind, name }) => kind === 'consumer' && name === tag)?.error as KombuError;
    const queue = this.#host.queueName(request.queue);
    // RabbitMQ's answer where an exclusive consumer of the old link is still there.
    const refusedExclusive = request.exclusive && KombuError.is(error, 'ERR_KOMBU_ACCESS_REFUSED');
    const lockedQueue = failed.some((f) => f.kind === 'queue' && f.name === queue && isLocked(f.error));
    if (lockedQueue || isLocked(error) || refusedExclusive) subscription.state = 'locked';
    else this.cancelled(tag, error);
  }

  /** Ends a consumer; its queue is told to the host only when it is the broker's turn no more. */
  async cancel(raw: TransportChannel | undefined, tag: string): Promise<void> {
    const subscription = this.#byTag.get(tag);
    if (subscription === undefined) return;
    this.#forget(tag, subscription);
    if (raw === undefined) return;
    try {
      await raw.cancel(tag);
    } catch (error) {
      if (!isLinkError(error)) throw error; // With the link the consumer is gone, too.
    }
  }

  async setPrefetch(raw: TransportChannel | undefined, tag: string, prefetch: number): Promise<void> {
    const subscription = this.#byTag.get(tag);
    if (subscription === undefined) throw new InvalidOptionError(`the channel has no consumer '${tag}'`);
    subscription.request = { ...subscription.request, prefetch };
    if (raw === undefined || subscription.state !== 'live') return;
    if (raw.setPrefetch !== undefined) {
      await raw.setPrefetch(tag, prefetch);
      return;
    }
    await raw.cancel(tag);
    await this.#consume(raw, subscription);
  }

  /** The broker has ended a consumer, or it cannot go on. */
  cancelled(tag: string, why: KombuError): void {
    const subscription = this.#byTag.get(tag);
    if (subscription === undefined) return;
    this.#forget(tag, subscription);
    this.#tell(() => subscription.subscriber.cancelledByBroker?.(why));
  }

  /** All consumers are over, because of `why`; without a reason they are just forgotten. */
  endAll(why?: KombuError): void {
    for (const [tag, subscription] of [...this.#byTag]) {
      if (why !== undefined) this.cancelled(tag, why);
      else this.#forget(tag, subscription);
    }
  }

  linkLost(): void {
    for (const subscription of this.#byTag.values()) {
      subscription.start++;
      this.#tell(() => subscription.subscriber.linkLost?.());
    }
  }

  /** Whether somebody was told of the failed settlement. */
  settleFailed(delivery: Delivery, error: KombuError): boolean {
    const subscriber = this.#byTag.get(delivery.consumerTag ?? '')?.subscriber;
    if (subscriber?.settleFailed === undefined) return false;
    this.#tell(() => subscriber.settleFailed?.(delivery, error));
    return true;
  }

  async #consume(raw: TransportChannel, subscription: Subscription, signal?: AbortSignal): Promise<void> {
    const { request, subscriber } = subscription;
    const host = this.#host;
    const queue = host.queueName(request.queue);
    const start = ++subscription.start;
    const deliver = (delivery: Delivery): void => {
      // What a lost link still brings will come again; unless it was settled by being sent.
      if (subscription.start !== start && !request.noAck) return;
      if (subscription.state === 'abandoned' && !request.noAck) {
        this.#giveBack(raw, delivery);
        return;
      }
      if (diagnosticsChannels.deliver.hasSubscribers) traceDelivery(host.connectionId, host.channelId, delivery);
      host.delivered();
      try {
        subscriber.deliver(delivery);
      } catch (error) {
        host.error(error);
      }
    };
    await raw.consume(queue === request.queue ? request : { ...request, queue }, deliver, { signal });
    if (subscription.state === 'starting') subscription.state = 'live';
  }

  #giveBack(raw: TransportChannel, delivery: Delivery): void {
    const failed = (error: unknown) => this.#host.error(error);
    try {
      Promise.resolve(raw.settle(delivery, 'release')).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #forget(tag: string, subscription: Subscription): void {
    if (this.#byTag.get(tag) !== subscription) return;
    this.#byTag.delete(tag);
    this.#host.ended(this.#host.queueName(subscription.request.queue));
  }

  #tell(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.#host.error(error);
    }
  }
}
