import {
  type BindingSpec,
  type ChannelEvents,
  ClosedError,
  type ConsumeRequest,
  type DeleteOptions,
  type Delivery,
  deferred,
  type ExchangeBindingSpec,
  type ExchangeSpec,
  InvalidOptionError,
  type KombuError,
  type MaybePromise,
  NotSupportedError,
  type Op,
  type Outcome,
  type PublishOp,
  type QueueInfo,
  type QueueSpec,
  type Route,
  StaleDeliveryError,
  type TransportChannel,
  throwIfAborted,
  type WireMessage,
  waitOrAbort,
} from '@kombu/core';
import { AmqpConsumer, type ConsumerOwner } from '../consume/consumer.js';
import { AmqpDelivery } from '../consume/delivery.js';
import { Getter } from '../consume/getter.js';
import type { Inbox } from '../consume/inbox.js';
import type { LinkCore } from '../link/link-core.js';
import { Publisher } from '../publish/publisher.js';
import { channelError } from '../translate-error.js';
import { ChannelCore } from './core.js';
import { assertName, Declarations } from './declarations.js';

/**
 * A level-1 channel on RabbitMQ: one AMQP channel for publishes, one for each consumer, one for each queue that messages are
 * got from, and those of the link for everything else, each opened when it is needed.
 */
export class AmqpChannel implements TransportChannel, ConsumerOwner {
  readonly closed: Promise<KombuError | undefined>;
  readonly #core: ChannelCore;
  readonly #link: LinkCore;
  readonly #declarations: Declarations;
  readonly #publisher: Publisher;
  readonly #getter: Getter;
  /** Running consumers by tag, and with them those that were cancelled and still hold something. */
  readonly #consumers = new Map<string, AmqpConsumer>();
  readonly #alive = new Set<AmqpConsumer>();
  readonly #closed = deferred<KombuError | undefined>();
  #state: 'open' | 'closing' | 'closed' = 'open';
  #reason: KombuError | undefined;

  constructor(link: LinkCore, events: ChannelEvents) {
    this.#link = link;
    this.#core = new ChannelCore(link, events);
    this.#declarations = new Declarations(link, () => this.#assertOpen());
    this.#publisher = new Publisher(this.#core);
    this.#getter = new Getter(this.#core);
    this.closed = this.#closed.promise;
  }

  /** Whether the broker owes a confirm. */
  get awaitsConfirms(): boolean {
    return this.#publisher.awaitsConfirms;
  }

  declareExchange(exchange: ExchangeSpec, o?: Op): Promise<void> {
    return this.#declarations.exchange(exchange, o);
  }

  deleteExchange(name: string, o?: DeleteOptions & Op): Promise<void> {
    return this.#declarations.deleteExchange(name, o);
  }

  declareQueue(queue: QueueSpec, o?: Op): Promise<QueueInfo> {
    return this.#declarations.queue(queue, o);
  }

  deleteQueue(name: string, o?: DeleteOptions & Op): Promise<number> {
    return this.#declarations.deleteQueue(name, o);
  }

  purgeQueue(name: string, o?: Op): Promise<number> {
    return this.#declarations.purgeQueue(name, o);
  }

  bindQueue(binding: BindingSpec, o?: Op): Promise<void> {
    return this.#declarations.bindQueue('bindQueue', binding, o);
  }

  unbindQueue(binding: BindingSpec, o?: Op): Promise<void> {
    return this.#declarations.bindQueue('unbindQueue', binding, o);
  }

  bindExchange(binding: ExchangeBindingSpec, o?: Op): Promise<void> {
    return this.#declarations.bindExchange('bindExchange', binding, o);
  }

  unbindExchange(binding: ExchangeBindingSpec, o?: Op): Promise<void> {
    return this.#declarations.bindExchange('unbindExchange', binding, o);
  }

  publish(message: WireMessage, route: Route, o?: PublishOp): MaybePromise<void> {
    return this.#publisher.publish(message, route, o);
  }

  async consume(request: ConsumeRequest, deliver: (delivery: Delivery) => void, o?: Op): Promise<void> {
    const { queue, tag, noLocal } = request;
    const what = `consuming from queue "${queue}"`;
    this.#assertOpen();
    throwIfAborted(o?.signal, what);
    assertName('queue', queue);
    assertName('tag', tag);
    if (noLocal) throw new NotSupportedError('noLocal: RabbitMQ does not honour it');
    if (this.#consumers.has(tag)) throw new InvalidOptionError(`tag: consumer "${tag}" runs on this channel already`);
    const consumer = new AmqpConsumer(this.#core, request, deliver, this);
    this.#consumers.set(tag, consumer);
    this.#alive.add(consumer);
    try {
      await waitOrAbort(consumer.start(), o?.signal, what);
    } catch (error) {
      this.#forget(consumer);
      void consumer.end();
      throw this.#translate(error, queue);
    }
  }

  /** The broker ended a consumer for good. */
  consumerLost(consumer: AmqpConsumer, why: KombuError): void {
    this.#forget(consumer);
    this.#core.events.cancelledByBroker(consumer.request.tag, why);
  }

  consumerEnded(consumer: AmqpConsumer): void {
    this.#alive.delete(consumer);
  }

  #forget(consumer: AmqpConsumer): void {
    if (this.#consumers.get(consumer.request.tag) === consumer) this.#consumers.delete(consumer.request.tag);
  }

  async setPrefetch(consumerTag: string, prefetch: number): Promise<void> {
    try {
      await this.#consumers.get(consumerTag)?.setPrefetch(prefetch);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async setChannelPrefetch(prefetch: number): Promise<void> {
    this.#core.prefetch = prefetch;
    try {
      await Promise.all([...this.#consumers.values()].map((consumer) => consumer.fitPrefetch()));
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async cancel(consumerTag: string): Promise<void> {
    const consumer = this.#consumers.get(consumerTag);
    if (consumer === undefined) return;
    this.#consumers.delete(consumerTag);
    await consumer.cancel();
  }

  async get(queue: string, o?: Op & { noAck?: boolean }): Promise<Delivery | undefined> {
    const what = `getting from queue "${queue}"`;
    this.#assertOpen();
    throwIfAborted(o?.signal, what);
    assertName('queue', queue);
    this.#link.queueKinds.refuseStream(queue, 'get');
    try {
      return await waitOrAbort(this.#getter.get(queue, o?.noAck ?? false), o?.signal, what, (late) => {
        // Nobody waits for it any more; without acks it is gone, which is what noAck means.
        if (late?.inbox.unsettled.has(late)) late.inbox.settle(late, 'release');
      });
    } catch (error) {
      throw this.#translate(error, queue);
    }
  }

  settle(
    delivery: Delivery,
    outcome: Outcome | 'release',
    o?: { multiple?: boolean; confirm?: boolean },
  ): MaybePromise<void> {
    if (!(delivery instanceof AmqpDelivery)) throw new StaleDeliveryError('this message did not come from this broker');
    const { inbox } = delivery;
    const touched = o?.multiple ? this.#inboxes() : [inbox];
    if (o?.multiple && inbox.unsettled.has(delivery)) this.#settleUpTo(delivery.deliveryTag, outcome);
    else if (!delivery.noAck) inbox.settle(delivery, outcome);
    if (o?.confirm) return syncAll(touched);
  }

  #settleUpTo(deliveryTag: number, outcome: Outcome | 'release'): void {
    for (const inbox of this.#inboxes()) {
      for (const delivery of inbox.unsettled) {
        if (delivery.deliveryTag > deliveryTag) break;
        if (!delivery.kept) inbox.settle(delivery, outcome);
      }
    }
  }

  #inboxes(): readonly Inbox[] {
    const consumers = [...this.#alive].map((consumer) => consumer.inbox);
    return [...consumers.filter((inbox) => inbox !== undefined), ...this.#getter.inboxes()];
  }

  async recover(_: { requeue: true }): Promise<void> {
    this.#assertOpen();
    try {
      await Promise.all([...[...this.#alive].map((consumer) => consumer.recover()), this.#getter.recover()]);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      const ends = [...this.#alive].map((consumer) => consumer.end());
      await Promise.all([...ends, this.#publisher.close(), this.#getter.close(), this.#declarations.idle()]);
      this.#end(undefined);
    }
    await this.#closed.promise;
  }

  /** The broker takes messages again. */
  unblocked(): void {
    this.#publisher.unblocked();
  }

  /** The link is gone; undefined: because we closed it. */
  linkLost(reason: KombuError | undefined): void {
    this.#publisher.linkLost(reason ?? new ClosedError('the connection is closed'));
    this.#getter.linkLost();
    for (const consumer of [...this.#alive]) consumer.linkLost();
    this.#end(reason);
  }

  #end(reason: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#reason = reason;
    this.#consumers.clear();
    this.#alive.clear();
    this.#closed.resolve(reason);
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw this.#reason ?? new ClosedError('the channel is closed');
  }

  #translate(error: unknown, subject?: string): KombuError {
    return channelError(error, this.#link.lostBecause, subject);
  }
}

async function syncAll(inboxes: readonly Inbox[]): Promise<void> {
  await Promise.all(inboxes.map((inbox) => inbox.sync()));
}
