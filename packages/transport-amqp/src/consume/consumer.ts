import { ClosedError, type ConsumeRequest, type Delivery, type KombuError } from '@kombu/core';
import type { Channel } from 'amqplib';
import type { ChannelCore } from '../channel/core.js';
import { closeChannel, openChannel } from '../driver/open-channel.js';
import { consumerError } from '../translate-error.js';
import type { Inbox } from './inbox.js';
import { Intake } from './intake.js';
import { endedByBroker, Subscriptions } from './subscriptions.js';

/** What a consumer tells its channel. */
export interface ConsumerOwner {
  /** The broker ended it, and it cannot be had back. */
  consumerLost(consumer: AmqpConsumer, why: KombuError): void;
  /** It holds nothing any more. */
  consumerEnded(consumer: AmqpConsumer): void;
}

/** How often in a row a consumer's own channel may die, with nothing settled in between, before the consumer is given up. */
const DEATHS_IN_A_ROW = 3;

/** The AMQP channel of a consumer, and what runs on it. */
interface Line {
  readonly channel: Channel;
  readonly intake: Intake;
  readonly subscriptions: Subscriptions;
}

/**
 * One consumer on an AMQP channel of its own, so that prefetch is its own and no error of another operation reaches it. When
 * the broker ends that channel alone (an ack that came later than `consumer_timeout`, for example), the consumer subscribes
 * again on a new one.
 */
export class AmqpConsumer {
  readonly request: ConsumeRequest;
  readonly #core: ChannelCore;
  readonly #deliver: (delivery: Delivery) => void;
  readonly #owner: ConsumerOwner;
  #state: 'starting' | 'running' | 'asking' | 'cancelling' | 'draining' | 'ended' = 'starting';
  #line: Line | undefined;
  #prefetch: number;
  #fitting: Promise<unknown> = Promise.resolve();
  #deaths = 0;

  constructor(core: ChannelCore, request: ConsumeRequest, deliver: (delivery: Delivery) => void, owner: ConsumerOwner) {
    this.#core = core;
    this.request = request;
    this.#deliver = deliver;
    this.#owner = owner;
    this.#prefetch = request.prefetch;
  }

  /** Where its deliveries are settled, while there is such a place. */
  get inbox(): Inbox | undefined {
    return this.#line?.intake.inbox;
  }

  /** Subscribes. Rejects with what the driver rejected with, and leaves nothing behind then. */
  async start(): Promise<void> {
    let death: { readonly error: Error | undefined } | undefined;
    const died = (error: Error | undefined): void => {
      death = { error };
      this.#died(channel, error);
    };
    const channel = await openChannel(this.#core.link.driver, { died });
    if (this.#state === 'ended') void closeChannel(channel);
    else {
      const intake = new Intake(this.#core, channel, this.request, this.#deliver, () => this.#settled());
      const subscriptions = new Subscriptions(channel, this.request, () => void this.#cancelledByBroker(channel));
      intake.prefetch = this.#prefetch;
      this.#line = { channel, intake, subscriptions };
      try {
        await subscriptions.start(this.#serverPrefetch);
        // In the same breath, so that nobody else sees to it.
        if (death !== undefined) throw death.error ?? new Error('the broker closed the channel of this consumer');
      } catch (error) {
        void this.#leave()?.close();
        throw error;
      }
    }
    if (this.#state !== 'starting') throw new ClosedError('the consumer was cancelled while it was starting');
    this.#state = 'running';
    // What was asked for while this was under way.
    await this.fitPrefetch();
  }

  get #serverPrefetch(): number {
    return this.#core.serverPrefetch(this.#prefetch);
  }

  /** Changes the prefetch; deliveries in hand stay. */
  async setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    if (this.#line !== undefined) this.#line.intake.prefetch = prefetch;
    if (this.#state === 'running') this.#line?.intake.handBacklog();
    await this.fitPrefetch();
  }

  /** Has the broker send as much as this consumer may hold now. Changes take place one after the other. */
  async fitPrefetch(): Promise<void> {
    const fitted = this.#fitting.then(() => {
      if (this.#state !== 'running' || this.#line === undefined) return;
      const { subscriptions, intake } = this.#line;
      const isAutoDelete = this.#core.link.queueKinds.isAutoDelete(this.request.queue);
      return subscriptions.fit(this.#serverPrefetch, { isStream: intake.inbox.isStream, isAutoDelete });
    });
    this.#fitting = fitted.catch(() => {});
    await fitted;
  }

  #settled(): void {
    this.#deaths = 0;
    if (this.#state === 'draining') this.#endIfDrained();
  }

  /** Ends the subscription; what was handed over stays settleable, what was not goes back to the queue. */
  async cancel(): Promise<void> {
    if (this.#state === 'starting') return this.end();
    if (this.#state === 'asking') this.#drain();
    if (this.#state !== 'running') return;
    this.#state = 'cancelling';
    this.#line?.intake.stop();
    this.#core.link.output.flush();
    try {
      await this.#fitting;
      await this.#line?.subscriptions.cancel();
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
    if (this.#line?.channel !== channel || this.#state !== 'running') return;
    this.#state = 'asking';
    const { queue } = this.request;
    const why = endedByBroker(queue);
    const { link, events } = this.#core;
    let found = false;
    try {
      await link.utility.run((utility) => utility.checkQueue(queue));
      found = this.#isAsking(channel);
      if (found) await this.#line.subscriptions.restart(this.#serverPrefetch);
    } catch {
      found = false;
    }
    if (!this.#isAsking(channel)) {
      // Cancelled meanwhile: it lives on for what it holds, and gets no more.
      if (this.#line?.channel === channel) await this.#line.subscriptions.cancel().catch(() => {});
      return;
    }
    if (found) {
      this.#state = 'running';
      events.warning(why);
      this.#line.intake.handBacklog();
    } else if (link.lostBecause === undefined) {
      this.#drain();
      this.#owner.consumerLost(this, why);
    }
  }

  #isAsking(channel: Channel): boolean {
    return this.#line?.channel === channel && this.#state === 'asking';
  }

  /** Lives on until what was handed over is settled. */
  #drain(): void {
    if (this.#state === 'ended') return;
    this.#state = 'draining';
    this.#line?.intake.stop();
    this.#endIfDrained();
  }

  #endIfDrained(): void {
    if (this.inbox === undefined || this.inbox.unsettled.size === 0) void this.end();
  }

  /** Has the broker put everything unsettled back on the queue. */
  async recover(): Promise<void> {
    await this.#line?.intake.recover();
    if (this.#state === 'draining') this.#endIfDrained();
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
    const line = this.#line;
    this.#line = undefined;
    line?.intake.leave();
    return line?.intake.inbox;
  }

  #died(channel: Channel, error: Error | undefined): void {
    if (this.#line?.channel !== channel) return;
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
