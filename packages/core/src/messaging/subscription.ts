import type { CodecSet } from '../codec/codec-set.js';
import type { Channel } from '../connection/channel.js';
import type { Subscriber } from '../connection/subscriptions.js';
import type { KombuError } from '../errors/index.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import type { Delivery } from '../transport/delivery.js';
import { giveBack } from './give-back.js';
import type { Inbox } from './inbox.js';
import { Message } from './message.js';
import type { MessageOwner } from './message-owner.js';

/** What the owner of a subscription is told. */
export interface SubscriptionEvents {
  /** The broker ended it. */
  cancelledByBroker(subscription: Subscription, why: KombuError): void;
  settleFailed(message: Message, error: KombuError): void;
  revived(subscription: Subscription): void;
  linkLost(): void;
}

/** One consumer tag on one queue: makes messages of deliveries and puts them into the inbox. */
export class Subscription implements Subscriber, MessageOwner {
  readonly queue: string;
  readonly tag: string;
  readonly channel: Channel;
  readonly codec: CodecSet;
  readonly noAck: boolean;
  readonly schema: StandardSchema | undefined;
  readonly #inbox: Inbox;
  readonly #events: SubscriptionEvents;
  /** Once it is ending, what comes is kept aside and goes back when the broker has ended it too. */
  #state: 'active' | 'ending' | 'ended' = 'active';
  #returning: Message[] = [];

  constructor(
    queue: string,
    {
      tag,
      noAck,
      schema,
    }: { readonly tag: string; readonly noAck: boolean; readonly schema: StandardSchema | undefined },
    channel: Channel,
    inbox: Inbox,
    events: SubscriptionEvents,
  ) {
    this.queue = queue;
    this.tag = tag;
    this.noAck = noAck;
    this.schema = schema;
    this.channel = channel;
    this.codec = channel.connection.codec;
    this.#inbox = inbox;
    this.#events = events;
  }

  deliver(delivery: Delivery): void {
    const message = new Message(delivery, this);
    // What came without acknowledgement cannot go back.
    if (this.#state === 'active' || this.noAck) this.#inbox.deliver(message);
    else if (this.#state === 'ending') this.#returning.push(message);
    else release(message);
  }

  settled(message: Message, multiple: boolean): void {
    this.#inbox.settled(message, multiple);
  }

  cancelledByBroker(why: KombuError): void {
    if (this.#state !== 'active') return;
    this.#state = 'ended';
    this.#events.cancelledByBroker(this, why);
  }

  settleFailed(delivery: Delivery, error: KombuError): void {
    const message = new Message(delivery, this);
    message.mark('acked');
    this.#events.settleFailed(message, error);
  }

  revived(): void {
    this.#events.revived(this);
  }

  linkLost(): void {
    this.#events.linkLost();
  }

  /**
   * Ends it at the broker. What was not handed over yet goes back to the front of its queue, in order, once nothing more can
   * come: giving it back before would bring it here again.
   */
  async end(): Promise<void> {
    if (this.#state !== 'active') return;
    this.#state = 'ending';
    this.#returning = this.noAck ? [] : this.#inbox.withdraw((message) => message.owner === this);
    try {
      await this.channel.cancel(this.tag);
    } finally {
      this.#state = 'ended';
      const returning = this.#returning;
      this.#returning = [];
      for (const message of returning) release(message);
    }
  }
}

/** Gives a message back that nobody has looked at. */
export function release(message: Message): void {
  message.mark('released');
  giveBack(message.owner.channel, message.delivery);
}
