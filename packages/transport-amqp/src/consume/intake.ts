import type { ConsumeRequest, Delivery } from '@kombu/core';
import type { Channel } from 'amqplib';
import type { ChannelCore } from '../channel/core.js';
import type { Deliver, Sink } from '../wire/frame-reader.js';
import type { ContentHeader } from '../wire/properties.js';
import { Backlog } from './backlog.js';
import { AmqpDelivery } from './delivery.js';
import { Inbox, type InboxOwner } from './inbox.js';

/** What becomes of a consumer's deliveries on one AMQP channel: handed over, kept back for room, or given back. */
export class Intake implements Sink, InboxOwner {
  readonly inbox: Inbox;
  /** How many unsettled deliveries the consumer may hold; 0: no limit. */
  prefetch: number;
  readonly #core: ChannelCore;
  readonly #request: ConsumeRequest;
  readonly #deliver: (delivery: Delivery) => void;
  readonly #afterSettle: () => void;
  readonly #backlog: Backlog;
  /**
   * Whether the kind of the queue is to be learned from its messages: every message of a stream has its offset and none is
   * redelivered, so one that is not so is the proof of a queue. A message copied out of a stream into a queue has an offset, too.
   */
  #mayBeStream: boolean;
  #wanted: 'all' | 'none' = 'all';

  constructor(
    core: ChannelCore,
    channel: Channel,
    request: ConsumeRequest,
    deliver: (delivery: Delivery) => void,
    afterSettle: () => void,
  ) {
    const { queueKinds, output, reader } = core.link;
    this.#core = core;
    this.#request = request;
    this.#deliver = deliver;
    this.#afterSettle = afterSettle;
    this.prefetch = request.prefetch;
    this.#backlog = new Backlog(core, () => this.handBacklog());
    this.inbox = new Inbox(channel, output, this);
    this.inbox.isStream = queueKinds.readsStream(request);
    this.#mayBeStream = !this.inbox.isStream && queueKinds.kind(request.queue) === undefined;
    reader.add(this.inbox.number, this);
  }

  delivered(method: Deliver, header: ContentHeader, body: Buffer): void {
    const { inbox } = this;
    const { noAck, tag: consumerTag, queue } = this.#request;
    const { tag, redelivered, exchange, routingKey } = method;
    if (this.#mayBeStream) this.#learnKind(header.headers['x-stream-offset'] !== undefined && !redelivered);
    // Without acks it can not be given back, and still is delivered.
    if (!noAck && this.#wanted === 'none') {
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
        delivery.kept = true;
        this.#backlog.push(delivery);
        return;
      }
      this.#core.handed++;
    }
    this.#hand(delivery);
  }

  #learnKind(looksLikeStream: boolean): void {
    this.inbox.isStream = looksLikeStream;
    this.#mayBeStream = looksLikeStream;
  }

  /** Number of deliveries that were handed over and are not settled. */
  get #handed(): number {
    return this.inbox.unsettled.size - this.#backlog.size;
  }

  #hasRoom(): boolean {
    return (this.prefetch === 0 || this.#handed < this.prefetch) && this.#core.hasRoom();
  }

  #hand(delivery: AmqpDelivery): void {
    try {
      this.#deliver(delivery);
    } catch (error) {
      this.#core.link.context.logger.error('a delivery callback threw', error);
    }
  }

  /** Hands over what was kept back, as far as there is room now. */
  handBacklog(): void {
    while (this.#backlog.size > 0 && this.#hasRoom()) {
      const next = this.#backlog.shift();
      if (next === undefined) return;
      next.kept = false;
      this.#core.handed++;
      this.#hand(next);
    }
  }

  settled(): void {
    this.#core.handed--;
    this.#core.gaveRoom();
    this.#afterSettle();
  }

  /** Nobody wants more: what was kept back and what still comes goes back to the queue. */
  stop(): void {
    this.#wanted = 'none';
    for (const delivery of this.#backlog.take()) {
      this.inbox.unsettled.delete(delivery);
      this.inbox.release(delivery.tag);
    }
  }

  /** Has the broker put everything unsettled back on the queue. */
  async recover(): Promise<void> {
    if (this.inbox.unsettled.size === 0) return;
    this.inbox.assertTakesBack('recover');
    this.#forgetHeld();
    await this.inbox.recover();
  }

  /** The AMQP channel is gone, or will be: nothing comes from it any more. */
  leave(): void {
    this.#core.link.reader.remove(this.inbox.number);
    this.#forgetHeld();
  }

  #forgetHeld(): void {
    if (!this.#request.noAck) this.#core.handed -= this.#handed;
    this.#backlog.take();
    this.#core.gaveRoom();
  }
}
