import { MessageStateError, NotSupportedError, type Outcome, StaleDeliveryError } from '@kombu/core';
import type { Channel } from 'amqplib';
import { channelNumber } from '../driver/amqplib.js';
import { closeChannel } from '../driver/open-channel.js';
import { writeAck, writeReject } from '../wire/frames.js';
import type { Late, Output } from '../wire/output.js';
import type { AmqpDelivery } from './delivery.js';

/** What an inbox tells its owner. */
export interface InboxOwner {
  /** One delivery was settled. */
  settled(): void;
}

/**
 * An AMQP channel that deliveries come on and are settled on. Acks of one tick of the event loop leave together: as one
 * `basic.ack multiple` as far as everything below them is settled, one by one above that.
 */
export class Inbox implements Late {
  readonly channel: Channel;
  readonly number: number;
  /**
   * Whether the messages are those of a stream, which keeps them whatever becomes of them: it takes acks, as credit for more,
   * and ends the whole connection on anything else.
   */
  isStream = false;
  /** Deliveries that the broker waits for, oldest first. */
  readonly unsettled = new Set<AmqpDelivery>();
  readonly #output: Output;
  readonly #owner: InboxOwner;
  #acks: number[] = [];
  #state: 'open' | 'dead' = 'open';
  #closing: Promise<boolean> | undefined;

  constructor(channel: Channel, output: Output, owner: InboxOwner) {
    this.channel = channel;
    this.number = channelNumber(channel);
    this.#output = output;
    this.#owner = owner;
  }

  /** Takes the settlement of one delivery; it leaves when the tick ends. */
  settle(delivery: AmqpDelivery, outcome: Outcome | 'release'): void {
    if (this.#state === 'dead') {
      throw new StaleDeliveryError(
        'the channel that this message came on is gone, and the broker has taken the message back',
      );
    }
    if (outcome === 'requeue') this.assertTakesBack('requeue');
    if (!this.unsettled.delete(delivery)) {
      throw new MessageStateError('ALREADY_SETTLED', 'this message was settled before');
    }
    if (outcome === 'ack' || this.isStream) {
      if (this.#acks.push(delivery.tag) === 1) this.#output.later(this);
    } else writeReject(this.#output, this.number, delivery.tag, outcome !== 'reject');
    this.#owner.settled();
  }

  /** @throws NotSupportedError when its messages are those of a stream. */
  assertTakesBack(what: string): void {
    if (this.isStream)
      throw new NotSupportedError(`${what}: a stream takes no message back; ack and reject both go on`);
  }

  /** Gives a delivery that its consumer never saw back to the queue. */
  release(tag: number): void {
    if (this.#state === 'dead') return;
    if (this.isStream) writeAck(this.#output, this.number, tag, false);
    else writeReject(this.#output, this.number, tag, true);
  }

  writeLate(output: Output): void {
    const acks = this.#acks;
    this.#acks = [];
    if (this.#state === 'dead') return;
    const oldest = this.unsettled.values().next().value?.tag ?? Number.POSITIVE_INFINITY;
    let below = 0;
    let top = 0;
    for (const tag of acks) {
      if (tag < oldest) {
        below++;
        if (tag > top) top = tag;
      } else writeAck(output, this.number, tag, false);
    }
    if (below > 0) writeAck(output, this.number, top, below > 1);
  }

  /** Resolves when the broker has handled every settlement that was taken before. */
  async sync(): Promise<void> {
    this.#output.flush();
    // Closing in good order is an answer, too: the last settlement of a cancelled consumer has it.
    if (this.#closing !== undefined && (await this.#closing)) return;
    try {
      // Any request would do; this one, for a consumer that is not there, changes nothing.
      await this.channel.cancel('kombu.sync');
    } catch (error) {
      throw new StaleDeliveryError('the channel ended before the broker confirmed the settlement', { cause: error });
    }
  }

  /** Has the broker put everything unsettled back on its queue. */
  async recover(): Promise<void> {
    if (this.unsettled.size === 0) return;
    this.#output.flush();
    this.unsettled.clear();
    await this.channel.recover();
  }

  /** The AMQP channel is gone: what is unsettled can not be settled any more. */
  die(): void {
    this.#state = 'dead';
    this.unsettled.clear();
    this.#acks = [];
  }

  /** Closes the AMQP channel; the broker takes back what is unsettled. */
  async close(): Promise<void> {
    if (this.#state === 'dead') return;
    this.#output.flush();
    this.die();
    this.#closing = closeChannel(this.channel);
    await this.#closing;
  }
}
