import { diagnosticsChannels } from '../diagnostics/channels.js';
import { tracePublish, traceSettle } from '../diagnostics/publications.js';
import type { KombuError } from '../errors/index.js';
import { Consumer } from '../messaging/consumer.js';
import type { ConsumerOptions } from '../messaging/consumer-options.js';
import { Producer, type ProducerOptions } from '../messaging/producer.js';
import type {
  BindingSpec,
  ConsumeRequest,
  DeleteOptions,
  ExchangeBindingSpec,
  ExchangeSpec,
  MaybePromise,
  QueueInfo,
  QueueSpec,
  Channel as TransportChannel,
} from '../transport/channel.js';
import type { Delivery, Outcome, ReturnedMessage, Route, WireMessage } from '../transport/delivery.js';
import { checkedSignal } from '../util/abort.js';
import { checkedCall, deleteOptions, giveBack, required } from './channel-calls.js';
import type { ChannelHost } from './channel-host.js';
import { ChannelLink } from './channel-link.js';
import type { Connection } from './connection.js';
import { type CallOptions, withDeadline } from './deadlines.js';
import { Loan } from './loan.js';
import type { Subscriber } from './subscriptions.js';
import type { ChannelPublishOptions } from './waiting-publishes.js';

/** What a channel is: not opened yet (it opens itself on first use), open, or closed for good. */
export type ChannelState = 'idle' | 'open' | 'closed';

/**
 * One logical channel. It outlives links: while the link is replaced its operations wait, and when there is a new one its
 * consumers consume again. An operation that the broker refuses ends itself and nothing else.
 *
 * Made by `connection.channel()`, without I/O.
 */
export class Channel {
  /** The connection that it is a channel of. */
  readonly connection: Connection;
  /** Names the channel in its connection, counted from 1. */
  readonly id: number;
  readonly #host: ChannelHost;
  readonly #link: ChannelLink;
  /** How it goes back to its pool. @internal */
  readonly loan = new Loan();

  /** @internal */
  constructor(connection: Connection, id: number, host: ChannelHost) {
    this.connection = connection;
    this.id = id;
    this.#host = host;
    this.#link = new ChannelLink(id, host);
  }

  /** What the channel is. */
  get state(): ChannelState {
    return this.#link.state;
  }

  /** Resolves once, when the channel is closed: with undefined after `close()`, else with why. Never rejects. */
  get closed(): Promise<KombuError | undefined> {
    return this.#link.closed;
  }

  /** The link that the channel was last opened on, counted from 1; 0 before the first. */
  get generation(): number {
    return this.#link.generation;
  }

  /** Opens the channel now; else its first use does. Waits for the link. */
  async open(o?: CallOptions): Promise<void> {
    await this.#call('open', o, async () => {});
  }

  /**
   * Declares an exchange, or with `passive` looks whether it is there.
   *
   * @throws ChannelError NOT_FOUND (passive), PRECONDITION_FAILED (declared otherwise), ACCESS_REFUSED.
   */
  async declareExchange(spec: ExchangeSpec, o?: CallOptions): Promise<void> {
    await this.#call('declareExchange', o, (raw, signal) => raw.declareExchange(spec, { signal }));
    this.#host.topology.exchangeDeclared(spec);
  }

  /** Deletes an exchange; one that is not there counts as deleted. */
  async deleteExchange(name: string, o: DeleteOptions & CallOptions = {}): Promise<void> {
    await this.#call('deleteExchange', o, (raw, signal) => raw.deleteExchange(name, { ...deleteOptions(o), signal }));
    this.#host.topology.exchangeDeleted(name);
    this.#host.session()?.declared.clear();
  }

  /**
   * Declares a queue; with the name `''` the broker chooses one, which the answer has.
   *
   * @throws ChannelError NOT_FOUND (passive), PRECONDITION_FAILED (declared otherwise), RESOURCE_LOCKED (somebody else's own).
   */
  async declareQueue(spec: QueueSpec, o?: CallOptions): Promise<QueueInfo> {
    const named = { ...spec, name: this.#queue(spec.name) };
    const info = await this.#call('declareQueue', o, (raw, signal) => raw.declareQueue(named, { signal }));
    this.#host.topology.queueDeclared(spec.name === '' ? spec : named, info.queue);
    return info;
  }

  /** Deletes a queue and resolves with how many messages were in it; one that is not there counts as deleted. */
  async deleteQueue(name: string, o: DeleteOptions & CallOptions = {}): Promise<number> {
    const queue = this.#queue(name);
    const undo = this.#host.topology.queueDeleting(queue);
    const count = await this.#call('deleteQueue', o, (raw, signal) =>
      raw.deleteQueue(queue, { ...deleteOptions(o), signal }),
    ).catch((error: unknown) => {
      undo();
      throw error;
    });
    this.#host.topology.queueDeleted(queue);
    this.#host.session()?.declared.clear();
    return count;
  }

  /** Whether `deleteQueue` was called for this queue over this connection, and it was not declared again since. @internal */
  wasDeletedHere(name: string): boolean {
    return this.#host.topology.wasDeletedHere(this.#queue(name));
  }

  /** Removes the messages that are ready and resolves with how many that were. */
  purgeQueue(name: string, o?: CallOptions): Promise<number> {
    return this.#call('purgeQueue', o, (raw, signal) => raw.purgeQueue(this.#queue(name), { signal }));
  }

  /** Binds a queue to an exchange. @throws ChannelError NOT_FOUND. */
  async bindQueue(binding: BindingSpec, o?: CallOptions): Promise<void> {
    const named = { ...binding, queue: this.#queue(binding.queue) };
    await this.#call('bindQueue', o, (raw, signal) => raw.bindQueue(named, { signal }));
    this.#host.topology.queueBound(named);
  }

  /** Takes a binding back; one that is not there counts as taken back. */
  async unbindQueue(binding: BindingSpec, o?: CallOptions): Promise<void> {
    const named = { ...binding, queue: this.#queue(binding.queue) };
    await this.#call('unbindQueue', o, (raw, signal) => raw.unbindQueue(named, { signal }));
    this.#host.topology.queueUnbound(named);
    this.#host.session()?.declared.clear();
  }

  /** Binds an exchange to an exchange. @throws NotSupportedError where that cannot be. */
  async bindExchange(binding: ExchangeBindingSpec, o?: CallOptions): Promise<void> {
    await this.#call('bindExchange', o, (raw, signal) => required(raw, 'bindExchange')(binding, { signal }));
    this.#host.topology.exchangeBound(binding);
  }

  /** Takes such a binding back. @throws NotSupportedError where there are none. */
  async unbindExchange(binding: ExchangeBindingSpec, o?: CallOptions): Promise<void> {
    await this.#call('unbindExchange', o, (raw, signal) => required(raw, 'unbindExchange')(binding, { signal }));
    this.#host.topology.exchangeUnbound(binding);
    this.#host.session()?.declared.clear();
  }

  /** Whether `markDeclared(key)` was called since the current link is there, and nothing was deleted or unbound since. */
  isDeclared(key: string): boolean {
    return this.#host.session()?.declared.has(key) === true;
  }

  /** Remembers something of the current link; forgotten with it. */
  markDeclared(key: string): void {
    this.#host.session()?.declared.add(key);
  }

  /**
   * Publishes. Ends when the broker has taken the message; with nothing returned where it has at once. While there is no link it
   * waits for one, in the order of the calls, within `deadline` and `signal`. A lost link is OperationalError CONNECTION_LOST, or with
   * `retry` the message is sent again on the next one. It belongs to the channel from then on. Names of options are not checked.
   *
   * @throws UndeliverableError NO_ROUTE, MESSAGE_TOO_LARGE; BufferFullError; TimeoutError with `sent`; ChannelError NOT_FOUND.
   */
  publish(message: WireMessage, route: Route, o?: ChannelPublishOptions): MaybePromise<void> {
    if (diagnosticsChannels.publish.hasSubscribers) tracePublish(this.#host.connectionId, this.id, message, route);
    checkedSignal(o?.signal, 'publish');
    const out = this.#link.out;
    if (out === undefined) return this.#link.waitToPublish(message, route, o);
    return o?.retry === undefined ? out.publish(message, route, o) : this.#link.publishes.send(out, message, route, o);
  }

  /**
   * Starts a consumer. It is started again on each new link, until it is cancelled or the broker refuses it.
   *
   * @throws InvalidOptionError when the channel has a consumer of that tag; ChannelError NOT_FOUND, ACCESS_REFUSED.
   */
  async consume(request: ConsumeRequest, subscriber: Subscriber, o?: CallOptions): Promise<void> {
    this.#host.assertOpen();
    await this.#call('consume', o, (raw, signal) => this.#link.consumers.start(raw, request, subscriber, signal));
  }

  /** Changes how many unsettled deliveries a consumer may hold; those in hand stay. */
  async setPrefetch(tag: string, prefetch: number, o?: CallOptions): Promise<void> {
    const { consumers, raw } = this.#link;
    await withDeadline(checkedCall('setPrefetch', o), this.#host.clock, 'setPrefetch', () =>
      consumers.setPrefetch(raw, tag, prefetch),
    );
  }

  /**
   * Changes how many unsettled deliveries all consumers of this channel together may hold; 0: no limit.
   *
   * @throws NotSupportedError where the transport has no such limit.
   */
  async setChannelPrefetch(prefetch: number, o?: CallOptions): Promise<void> {
    await this.#call('setChannelPrefetch', o, async (raw) => required(raw, 'setChannelPrefetch')(prefetch));
    this.#link.channelPrefetch = prefetch;
  }

  /** Ends a consumer; nothing is delivered once it has resolved. Deliveries in hand stay settleable. */
  async cancel(tag: string, o?: CallOptions): Promise<void> {
    const { consumers, raw } = this.#link;
    await withDeadline(checkedCall('cancel', o), this.#host.clock, 'cancel', () => consumers.cancel(raw, tag));
  }

  /** Takes one message out of a queue; undefined when there is none. */
  get(queue: string, o: CallOptions & { readonly noAck?: boolean } = {}): Promise<Delivery | undefined> {
    const noAck = o.noAck === true;
    return this.#call(
      'get',
      o,
      (raw, signal) => {
        this.#host.topology.queueUsed(this.#queue(queue));
        return raw.get(this.#queue(queue), { noAck, signal });
      },
      (late) => {
        if (late !== undefined && !noAck) giveBack(this, this.#host, late);
      },
    );
  }

  /**
   * Settles a delivery; ends when the channel has taken it, normally at once and with nothing returned. The link decides whether a
   * delivery of an earlier one can be settled; without one it waits where the transport can. Names of options are not checked.
   * @throws StaleDeliveryError for a delivery that died with its link; ClosedError once the channel is closed.
   */
  settle(
    delivery: Delivery,
    outcome: Outcome | 'release',
    o?: { readonly multiple?: boolean; readonly confirm?: boolean },
  ): MaybePromise<void> {
    if (diagnosticsChannels.settle.hasSubscribers) traceSettle(this.#host.connectionId, this.id, delivery, outcome);
    const { raw } = this.#link;
    return raw === undefined ? this.#link.settleLater(delivery, outcome, o) : raw.settle(delivery, outcome, o);
  }

  /** Puts every unsettled delivery of this channel back on its queue. */
  async recover(o: { readonly requeue: true } & CallOptions): Promise<void> {
    await this.#call('recover', o, (raw) => required(raw, 'recover')({ requeue: true }));
  }

  /** Hears of mandatory messages that no queue took and no publish is told of. Returns how to stop. */
  onReturned(listener: (message: ReturnedMessage) => void): () => void {
    this.#link.returned.add(listener);
    return () => this.#link.returned.delete(listener);
  }

  /** A producer on this channel. */
  producer(o?: ProducerOptions): Producer {
    return new Producer(this, o);
  }

  /** A consumer on this channel. It does nothing until its `consume()` or the first turn of a `for await` loop. */
  consumer<T = unknown>(o: ConsumerOptions<T>): Consumer<T> {
    return new Consumer<T>(this, o);
  }

  /** Ends its consumers, gives unsettled deliveries back, and closes. Idempotent. */
  close(): Promise<void> {
    return this.#link.close();
  }

  /** Gives the channel back to its pool, or closes it when it is of none. */
  release(): Promise<void> {
    return this.loan.release() ?? this.close();
  }

  /** The same as {@link Channel.release}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #queue(name: string): string {
    return this.#host.topology.currentName(name);
  }

  #call<T>(
    what: string,
    o: CallOptions | undefined,
    work: (raw: TransportChannel, signal: AbortSignal | undefined) => Promise<T>,
    compensate?: (late: T) => void,
  ): Promise<T> {
    const run = async (signal: AbortSignal | undefined) => {
      checkedCall(what, o);
      return work(await this.#link.opened(signal), signal);
    };
    return withDeadline(o, this.#host.clock, what, run, compensate);
  }
}
