import { ChannelError, ClosedError, type ConsumeRequest, type Delivery, type KombuError } from '@kombu/core';
import type { Channel } from 'amqplib';
import type { ChannelCore } from '../channel/core.js';
import { closeChannel, openChannel } from '../driver/open-channel.js';
import { consumerError } from '../translate-error.js';
import type { Deliver, Sink } from '../wire/frame-reader.js';
import type { ContentHeader } from '../wire/properties.js';
import { Backlog } from './backlog.js';
import { AmqpDelivery } from './delivery.js';
import { Inbox, type InboxOwner } from './inbox.js';
import { Subscriptions } from './subscriptions.js';

/** What a consumer tells its channel. */
export interface ConsumerOwner {
  /** The broker ended it, and it cannot be had back. */
  consumerLost(consumer: AmqpConsumer, why: KombuError): void;
  /** It holds nothing any more. */
  consumerEnded(consumer: AmqpConsumer): void;
}

/** How often in a row a consumer's own channel may die, with nothing settled in between, before the consumer is given up. */
const DEATHS_IN_A_ROW = 3;

/**
 * One consumer on an AMQP channel of its own, so that prefetch is its own and no error of another operation reaches it. When
 * the broker ends that channel alone (an ack that came later than `consumer_timeout`, for example), the consumer subscribes
 * again on a new one.
 */
export class AmqpConsumer implements Sink, InboxOwner {
  readonly request: ConsumeRequest;
  readonly #core: ChannelCore;
  readonly #deliver: (delivery: Delivery) => void;
  readonly #owner: ConsumerOwner;
  readonly #backlog: Backlog;
  #state: 'starting' | 'running' | 'asking' | 'cancelling' | 'draining' | 'ended' = 'starting';
  #inbox: Inbox | undefined;
  #prefetch: number;
  #subscriptions: Subscriptions | undefined;
  #fitting: Promise<unknown> = Promise.resolve();
  #deaths = 0;
  #isStream = false;

  constructor(core: ChannelCore, request: ConsumeRequest, deliver: (delivery: Delivery) => void, owner: ConsumerOwner) {
    this.#core = core;
    this.request = request;
    this.#deliver = deliver;
    this.#owner = owner;
    this.#prefetch = request.prefetch;
    this.#backlog = new Backlog(core, () => this.#handBacklog());
  }

  /** The AMQP channel of its deliveries, while there is one. */
  get inbox(): Inbox | undefined {
    return this.#inbox;
  }

  /** Subscribes. Rejects with what the driver rejected with, and leaves nothing behind then. */
  async start(): Promise<void> {
    const { link } = this.#core;
    const channel = await openChannel(link.driver, { died: (error) => this.#died(channel, error) });
    if (this.#state === 'ended') void closeChannel(channel);
    else {
      this.#inbox = new Inbox(channel, link.output, this);
      this.#subscriptions = new Subscriptions(channel, this.request, () => void this.#cancelledByBroker(channel));
      link.reader.add(this.#inbox.number, this);
      try {
        await this.#subscriptions.start(this.#core.serverPrefetch(this.#prefetch));
      } catch (error) {
        void this.#leave()?.close();
        throw error;
      }
    }
    if (this.#state !== 'starting') throw new ClosedError('the consumer was cancelled while it was starting');
    this.#state = 'running';
  }

  delivered(method: Deliver, header: ContentHeader, body: Buffer): void {
    const inbox = this.#inbox;
    if (inbox === undefined) return;
    const { noAck, tag: consumerTag, queue } = this.request;
    const { tag, redelivered, exchange, routingKey } = method;
    // What arrives after cancel() was called is wanted by nobody; without acks it can not be given back, and still is delivered.
    if (!noAck && (this.#state === 'cancelling' || this.#state === 'draining')) {
      inbox.release(tag);
      return;
    }
    const deliveryTag = this.#core.nextTag();
    const delivery = new AmqpDelivery(
      inbox,
      tag,
      deliveryTag,
      consumerTag,
      noAck,
      queue,
      redelivered,
      exchange,
      routingKey,
      header,
      body,
    );
    if (!noAck) {
      const room = this.#backlog.size === 0 && this.#hasRoom();
      inbox.unsettled.add(delivery);
      if (!room) {
        this.#backlog.push(delivery);
        return;
      }
      this.#core.handed++;
    }
    this.#hand(delivery);
  }

  #hasRoom(): boolean {
    const handed = (this.#inbox?.unsettled.size ?? 0) - this.#backlog.size;
    return (this.#prefetch === 0 || handed < this.#prefetch) && this.#core.hasRoom();
  }

  #hand(delivery: AmqpDelivery): void {
    if (delivery.headers['x-stream-offset'] !== undefined) this.#isStream = true;
    try {
      this.#deliver(delivery);
    } catch (error) {
      this.#core.link.context.logger.error('a delivery callback threw', error);
    }
  }

  #handBacklog(): void {
    while (this.#state === 'running' && this.#backlog.size > 0 && this.#hasRoom()) {
      const next = this.#backlog.shift();
      if (next === undefined) return;
      this.#core.handed++;
      this.#hand(next);
    }
  }

  settled(): void {
    this.#deaths = 0;
    this.#core.handed--;
    this.#core.gaveRoom();
    if (this.#state === 'draining') this.#endIfDrained();
  }

  /** Changes the prefetch; deliveries in hand stay. */
  async setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    this.#handBacklog();
    await this.fitPrefetch();
  }

  /** Has the broker send as much as this consumer may hold now. Changes take place one after the other. */
  async fitPrefetch(): Promise<void> {
    const fitted = this.#fitting.then(() => {
      if (this.#state === 'running')
        return this.#subscriptions?.fit(this.#core.serverPrefetch(this.#prefetch), this.#isStream);
    });
    this.#fitting = fitted.catch(() => {});
    await fitted;
  }

  /** Ends the subscription; what was handed over stays settleable, what was not goes back to the queue. */
  async cancel(): Promise<void> {
    if (this.#state === 'starting') return this.end();
    this.#dropBacklog();
    if (this.#state === 'asking') this.#drain();
    if (this.#state !== 'running') return;
    this.#state = 'cancelling';
    this.#core.link.output.flush();
    try {
      await this.#fitting;
      await this.#subscriptions?.cancel();
    } catch {
      // The channel died meanwhile, and the consumer with it.
    }
    this.#drain();
  }

  /**
   * The broker ended the subscription. When the queue is still there (its leader has moved, for example) the consumer subscribes
   * again; what was handed over stays settleable in either case.
   */
  async #cancelledByBroker(channel: Channel): Promise<void> {
    if (this.#inbox?.channel !== channel || this.#state !== 'running') return;
    this.#state = 'asking';
    const { queue } = this.request;
    const text = `the broker ended the consumer: queue "${queue}" was deleted, or the node that held it went away`;
    const why = new ChannelError('NOT_FOUND', text);
    const { link, events } = this.#core;
    let found = false;
    try {
      await link.utility.run((utility) => utility.checkQueue(queue));
      found = this.#isAsking(channel);
      if (found) await this.#subscriptions?.restart(this.#core.serverPrefetch(this.#prefetch));
    } catch {
      found = false;
    }
    if (!this.#isAsking(channel)) return;
    if (found) {
      this.#state = 'running';
      events.warning(why);
      this.#handBacklog();
    } else if (link.lostBecause === undefined) {
      this.#dropBacklog();
      this.#drain();
      this.#owner.consumerLost(this, why);
    }
  }

  #isAsking(channel: Channel): boolean {
    return this.#inbox?.channel === channel && this.#state === 'asking';
  }

  #dropBacklog(): void {
    for (const delivery of this.#backlog.take()) {
      this.#inbox?.unsettled.delete(delivery);
      this.#inbox?.release(delivery.tag);
    }
  }

  /** Lives on until what was handed over is settled. */
  #drain(): void {
    if (this.#state === 'ended') return;
    this.#state = 'draining';
    this.#endIfDrained();
  }

  #endIfDrained(): void {
    if (this.#inbox === undefined || this.#inbox.unsettled.size === 0) void this.end();
  }

  /** Has the broker put everything unsettled back on the queue. */
  async recover(): Promise<void> {
    const inbox = this.#inbox;
    if (inbox === undefined || inbox.unsettled.size === 0) return;
    this.#core.handed -= inbox.unsettled.size - this.#backlog.size;
    this.#backlog.take();
    this.#core.gaveRoom();
    await inbox.recover();
  }

  /** Closes its channel; the broker takes back what is unsettled. */
  async end(): Promise<void> {
    this.#ended();
    await this.#leave()?.close();
  }

  /** The link is gone, and the channel with it. */
  linkLost(): void {
    this.#ended();
    this.#leave()?.die();
  }

  #ended(): void {
    this.#state = 'ended';
    this.#owner.consumerEnded(this);
  }

  #leave(): Inbox | undefined {
    const inbox = this.#inbox;
    if (inbox === undefined) return undefined;
    this.#inbox = undefined;
    this.#core.link.reader.remove(inbox.number);
    if (!this.request.noAck) this.#core.handed -= inbox.unsettled.size - this.#backlog.size;
    this.#backlog.take();
    this.#core.gaveRoom();
    return inbox;
  }

  #died(channel: Channel, error: Error | undefined): void {
    if (this.#inbox?.channel !== channel) return;
    this.#leave()?.die();
    if (this.#state === 'cancelling' || this.#state === 'draining') this.#ended();
    // amqplib ends the channels before it says that the connection is lost: look when it has.
    queueMicrotask(() => {
      const wanted = this.#state === 'running' || this.#state === 'asking';
      if (wanted && this.#core.link.lostBecause === undefined) void this.#revive(error);
    });
  }

  async #revive(error: Error | undefined): Promise<void> {
    let why = consumerError(error);
    this.#core.events.warning(why);
    this.#state = 'starting';
    if (++this.#deaths <= DEATHS_IN_A_ROW) {
      try {
        return await this.start();
      } catch (again) {
        why = consumerError(again);
      }
    }
    if (this.#core.link.lostBecause !== undefined || this.#state !== 'starting') return;
    this.#ended();
    this.#owner.consumerLost(this, why);
  }
}
