import { ClosedError, InvalidOptionError, type KombuError, NotSupportedError } from '../errors/index.js';
import type {
  BindingSpec,
  Channel,
  ChannelEvents,
  ConsumeRequest,
  DeleteOptions,
  ExchangeBindingSpec,
  ExchangeSpec,
  MaybePromise,
  Op,
  PublishOp,
  QueueInfo,
  QueueSpec,
} from '../transport/channel.js';
import type { Delivery, Outcome, Route, WireMessage } from '../transport/delivery.js';
import { throwIfAborted, waitOrAbort } from '../util/abort.js';
import { deferred } from '../util/deferred.js';
import type { ConsumerOwner } from './consumers.js';
import { Credit } from './credit.js';
import { type Content, settleError, UnsettledList, VirtualDelivery } from './delivery.js';
import { asKombuError } from './driver-error.js';
import type { Opened, Parts } from './parts.js';
import type { Publisher } from './publisher.js';
import { GetHolder, type VirtualConsumer } from './virtual-consumer.js';
import { within } from './within.js';

/** Longest time that closing waits for publishes in flight. */
const DRAIN_MS = 5000;

/** Level 1 over a driver: one channel of a link. */
export class VirtualChannel implements Channel, ConsumerOwner {
  readonly unsettled = new UnsettledList();
  readonly channelCredit = new Credit(Number.POSITIVE_INFINITY);
  readonly #parts: Parts;
  readonly #events: ChannelEvents;
  readonly #publisher: Publisher;
  readonly #consumers = new Map<string, VirtualConsumer | 'starting'>();
  readonly #closed = deferred<KombuError | undefined>();
  readonly #getHolder = new GetHolder(this);
  #state: 'open' | 'closing' | 'closed' = 'open';
  #reason: KombuError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts, events: ChannelEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#publisher = parts.openPublisher();
    parts.unsettled.add(this.unsettled);
  }

  get closed(): Promise<KombuError | undefined> {
    return this.#closed.promise;
  }
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  declareExchange(exchange: ExchangeSpec, o?: Op): Promise<void> {
    return this.#run(o, 'declaring an exchange', () => this.#parts.declarations.declareExchange(exchange, o));
  }
  deleteExchange(name: string, o?: DeleteOptions & Op): Promise<void> {
    return this.#run(o, 'deleting an exchange', () => this.#parts.declarations.deleteExchange(name, o));
  }
  declareQueue(queue: QueueSpec, o?: Op): Promise<QueueInfo> {
    return this.#run(o, 'declaring a queue', () => this.#parts.declarations.declareQueue(queue, o));
  }
  deleteQueue(name: string, o?: DeleteOptions & Op): Promise<number> {
    return this.#run(o, 'deleting a queue', () => this.#parts.declarations.deleteQueue(name, o));
  }
  purgeQueue(name: string, o?: Op): Promise<number> {
    return this.#run(o, 'purging a queue', () => this.#parts.purge(name, o));
  }
  bindQueue(binding: BindingSpec, o?: Op): Promise<void> {
    return this.#run(o, 'binding a queue', () => this.#parts.declarations.bindQueue(binding, o));
  }
  unbindQueue(binding: BindingSpec, o?: Op): Promise<void> {
    return this.#run(o, 'unbinding a queue', () => this.#parts.declarations.unbindQueue(binding, o));
  }
  bindExchange(binding: ExchangeBindingSpec, o?: Op): Promise<void> {
    return this.#run(o, 'binding an exchange', () => this.#parts.declarations.bindExchange(binding, o));
  }
  unbindExchange(binding: ExchangeBindingSpec, o?: Op): Promise<void> {
    return this.#run(o, 'unbinding an exchange', () => this.#parts.declarations.unbindExchange(binding, o));
  }

  publish(message: WireMessage, route: Route, o?: PublishOp): MaybePromise<void> {
    if (this.#state !== 'open') return Promise.reject(this.#closedError());
    return this.#publisher.publish(message, route, o);
  }

  async consume(request: ConsumeRequest, deliver: (delivery: Delivery) => void, o?: Op): Promise<void> {
    this.#check(o);
    const { tag } = request;
    const { transport, capabilities } = this.#parts.link;
    if (request.noLocal) throw new NotSupportedError(`${transport} does not support noLocal`);
    if (request.exclusive && !capabilities.exclusiveConsumers) {
      throw new NotSupportedError(
        `${transport} does not support exclusive consumers: processes do not see each other's`,
      );
    }
    if (request.arguments['x-priority'] !== undefined) {
      throw new NotSupportedError(
        `${this.#parts.link.transport} does not support priorities among consumers (x-priority)`,
      );
    }
    checkPrefetch(request.prefetch);
    if (this.#consumers.has(tag)) throw new InvalidOptionError(`consumer tag '${tag}' is in use on this channel`);
    this.#consumers.set(tag, 'starting');
    try {
      const starting = this.#parts.consumers.start(this, request, deliver, o);
      const undo = (late: VirtualConsumer): void => void this.#parts.consumers.stop(late).catch(() => {});
      const consumer = await waitOrAbort(starting, o?.signal, 'starting a consumer', undo);
      // Cancelled while it was starting.
      if (this.#consumers.get(tag) === 'starting') this.#consumers.set(tag, consumer);
      else await this.#parts.consumers.stop(consumer);
    } catch (error) {
      this.#consumers.delete(tag);
      throw error;
    }
  }

  setPrefetch(consumerTag: string, prefetch: number): void {
    checkPrefetch(prefetch);
    const consumer = this.#consumers.get(consumerTag);
    if (consumer === undefined || consumer === 'starting') return;
    consumer.credit.limit = this.#parts.consumers.prefetch({ noAck: consumer.noAck, prefetch });
    this.#parts.resume();
  }

  setChannelPrefetch(prefetch: number): void {
    checkPrefetch(prefetch);
    this.channelCredit.limit = prefetch === 0 ? Number.POSITIVE_INFINITY : prefetch;
    this.#parts.resume();
  }

  async cancel(consumerTag: string): Promise<void> {
    const consumer = this.#consumers.get(consumerTag);
    this.#consumers.delete(consumerTag);
    if (consumer !== undefined && consumer !== 'starting') await this.#parts.consumers.stop(consumer);
  }

  async get(queue: string, o: Op & { noAck?: boolean } = {}): Promise<Delivery | undefined> {
    this.#check(o);
    const undo = (late: Opened | undefined): void => {
      if (late !== undefined) this.#parts.settling.giveBack([late.reserved], o.noAck === true);
    };
    const got = await waitOrAbort(this.#parts.getOne(queue, o), o.signal, 'get', undo);
    if (got === undefined) return undefined;
    const { reserved, content } = got;
    const redelivered = content.redelivered || reserved.redelivered === true || (reserved.attempts ?? 0) > 0;
    const noAck = o.noAck === true;
    const tag = this.nextTag(content);
    const delivery = new VirtualDelivery(tag, this.#getHolder, reserved, content, redelivered, noAck, this.now());
    if (this.#state !== 'open') {
      this.#parts.settling.giveBack([reserved], noAck);
      throw this.#closedError();
    }
    if (!noAck) this.unsettled.add(delivery);
    return delivery;
  }

  settle(
    delivery: Delivery,
    outcome: Outcome | 'release',
    o?: { multiple?: boolean; confirm?: boolean },
  ): MaybePromise<void> {
    if (!(delivery instanceof VirtualDelivery)) throw new InvalidOptionError('not a delivery of this transport');
    if (delivery.state === 'auto') return;
    if (delivery.state !== 'unsettled') throw settleError(delivery);
    if (this.#state === 'closed') throw this.#closedError();
    if (o?.multiple) {
      for (const one of delivery.list?.toArray(delivery) ?? [])
        if (one !== delivery) this.#parts.settling.settle(one, outcome);
    }
    if (o?.confirm) return this.#parts.settling.settleConfirmed(delivery, outcome);
    this.#parts.settling.settle(delivery, outcome);
  }

  async recover(_o: { requeue: true }): Promise<void> {
    this.#check();
    for (const delivery of this.unsettled.toArray()) this.#parts.settling.settle(delivery, 'requeue');
    await this.#parts.settling.drained();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The link is gone: nothing can be given back over it. */
  linkLost(reason: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#reason = reason;
    this.#state = 'closed';
    this.#publisher.close(this.#closedError());
    this.#consumers.clear();
    this.#closed.resolve(reason);
  }

  nextTag(content: Content): string | number {
    return content.deliveryTag ?? this.#parts.nextTag();
  }
  now(): number {
    return this.#parts.now();
  }
  resume(): void {
    this.#parts.resume();
  }
  settleFailed(delivery: Delivery, error: KombuError): void {
    this.#events.settleFailed(delivery, error);
  }
  deliverFailed(error: unknown): void {
    this.#events.warning(asKombuError(error, 'a consumer threw while it was handed a message'));
  }
  ended(tag: string, why: KombuError): void {
    this.#consumers.delete(tag);
    this.#events.cancelledByBroker(tag, why);
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    const stopped = [...this.#consumers.values()].map((c) =>
      c === 'starting' ? undefined : this.#parts.consumers.stop(c),
    );
    this.#consumers.clear();
    for (const delivery of this.unsettled.toArray()) this.#parts.settling.settle(delivery, 'release');
    await Promise.allSettled(stopped);
    await within(this.#parts.link.clock, DRAIN_MS, this.#publisher.drained());
    await this.#parts.settling.drained();
    this.#parts.unsettled.delete(this.unsettled);
    this.#parts.channels.delete(this);
    if (this.#state === 'closing') this.linkLost(undefined);
  }

  async #run<T>(o: Op | undefined, what: string, work: () => Promise<T>): Promise<T> {
    this.#check(o);
    return waitOrAbort(work(), o?.signal, what);
  }

  #check(o?: Op): void {
    if (this.#state !== 'open') throw this.#closedError();
    throwIfAborted(o?.signal, 'the operation');
  }

  #closedError(): KombuError {
    return this.#reason ?? new ClosedError('the channel is closed');
  }
}

function checkPrefetch(prefetch: number): void {
  if (!Number.isSafeInteger(prefetch) || prefetch < 0) {
    throw new InvalidOptionError(`prefetch must be a whole number of at least 0, not ${prefetch}`);
  }
}
