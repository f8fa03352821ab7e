import { ClosedError } from '@kombu/core';
import type { ChannelCore } from '../channel/core.js';
import { closeChannel, openChannel } from '../driver/open-channel.js';
import { contentHeader } from '../wire/frame-reader.js';
import { AmqpDelivery } from './delivery.js';
import { Inbox } from './inbox.js';

/** So many queues' channels are kept open; above it the ones that hold nothing are closed. */
const KEEP = 8;

/** One queue's channel for `get`. */
interface Box {
  readonly inbox: Inbox;
  getting: number;
}

const nobody = { settled(): void {} };

/**
 * `basic.get`, on one AMQP channel for each queue: a queue that is not there ends its own channel only, and no message that
 * was got from another one becomes stale.
 */
export class Getter {
  readonly #core: ChannelCore;
  readonly #boxes = new Map<string, Promise<Box>>();
  /** Boxes whose channel is open: those above, as soon as they are. */
  readonly #open = new Set<Box>();
  #state: 'open' | 'closed' = 'open';

  constructor(core: ChannelCore) {
    this.#core = core;
  }

  /** Every channel that messages were got on. */
  inboxes(): readonly Inbox[] {
    return [...this.#open].map((box) => box.inbox);
  }

  /** Takes one message, or undefined when the queue is empty. Rejects with what the driver rejected with. */
  async get(queue: string, noAck: boolean): Promise<AmqpDelivery | undefined> {
    for (let attempt = 1; ; attempt++) {
      this.#assertOpen();
      const opening = this.#box(queue);
      const box = await opening;
      box.getting++;
      try {
        return await this.#get(box, queue, noAck);
      } catch (error) {
        if (this.#boxes.get(queue) === opening) this.#boxes.delete(queue);
        // Another get that failed has taken the channel away: this one was not sent, and says so itself the second time.
        const innocent = (error as { code?: unknown }).code === undefined;
        if (attempt > 1 || !innocent || this.#core.link.lostBecause !== undefined) throw error;
      } finally {
        box.getting--;
      }
    }
  }

  async #get({ inbox }: Box, queue: string, noAck: boolean): Promise<AmqpDelivery | undefined> {
    const got = await inbox.channel.get(queue, { noAck });
    if (got === false) return undefined;
    const { deliveryTag, redelivered, exchange, routingKey } = got.fields;
    const delivery = new AmqpDelivery(
      inbox,
      deliveryTag,
      this.#core.nextTag(),
      undefined,
      noAck,
      queue,
      redelivered,
      exchange,
      routingKey,
      contentHeader(got.properties),
      got.content,
    );
    if (!noAck) {
      // The broker takes it back with the channel.
      this.#assertOpen();
      inbox.unsettled.add(delivery);
    }
    return delivery;
  }

  #assertOpen(): void {
    if (this.#state === 'closed') throw new ClosedError('the channel is closed');
  }

  #box(queue: string): Promise<Box> {
    const known = this.#boxes.get(queue);
    if (known !== undefined) {
      // The one used last goes to the end, so that the first is the one to close.
      this.#boxes.delete(queue);
      this.#boxes.set(queue, known);
      return known;
    }
    this.#makeRoom();
    const opening = this.#openBox(queue);
    this.#boxes.set(queue, opening);
    opening.catch(() => {
      if (this.#boxes.get(queue) === opening) this.#boxes.delete(queue);
    });
    return opening;
  }

  async #openBox(queue: string): Promise<Box> {
    const { link } = this.#core;
    const channel = await openChannel(link.driver, {
      died: () => {
        box.inbox.die();
        this.#open.delete(box);
        void this.#forget(queue, box);
      },
    });
    if (this.#state === 'closed') void closeChannel(channel);
    this.#assertOpen();
    const box: Box = { inbox: new Inbox(channel, link.output, nobody), getting: 0 };
    this.#open.add(box);
    return box;
  }

  async #forget(queue: string, box: Box): Promise<void> {
    const known = this.#boxes.get(queue);
    const current = await known?.catch(() => undefined);
    if (current === box && this.#boxes.get(queue) === known) this.#boxes.delete(queue);
  }

  #makeRoom(): void {
    if (this.#boxes.size < KEEP) return;
    for (const [queue, opening] of this.#boxes) {
      const close = (box: Box): void => {
        if (this.#boxes.size < KEEP || box.getting > 0 || box.inbox.unsettled.size > 0) return;
        if (this.#boxes.get(queue) !== opening) return;
        this.#boxes.delete(queue);
        void box.inbox.close();
      };
      // One that could not be opened has told those who wait for it.
      opening.then(close, () => {});
    }
  }

  /** Has the broker put everything unsettled back on its queue. */
  async recover(): Promise<void> {
    await Promise.all([...this.#open].map((box) => box.inbox.recover()));
  }

  /** Closes its channels; the broker takes back what is unsettled. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#boxes.clear();
    await Promise.all([...this.#open].map((box) => box.inbox.close()));
  }

  /** The link is gone, and the channels with it. */
  linkLost(): void {
    this.#state = 'closed';
    this.#boxes.clear();
    for (const box of this.#open) box.inbox.die();
    this.#open.clear();
  }
}
