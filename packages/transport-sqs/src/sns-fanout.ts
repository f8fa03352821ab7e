import type { PublishBatchRequestEntry } from '@aws-sdk/client-sns';
import { type KombuError, UndeliverableError } from '@kombu/core';
import type { BindingRecord, BroadcastEntry, FanoutStore, ItemFailure } from '@kombu/core/virtual';
import { Batcher } from './batcher.js';
import { eachItem } from './each-item.js';
import type { SqsLink } from './link.js';
import { envelopeOf, sizeOf, writeAttributes, writeBody } from './message-body.js';
import { isFifo } from './names.js';
import { ids } from './put.js';
import { BATCH, failuresOf } from './queue.js';
import type { Queues } from './queues.js';
import { SnsSubscriptions } from './sns-subscriptions.js';
import type { SnsTopics } from './sns-topics.js';
import { translateEntry } from './translate-error.js';

/** The most bytes of one message, and of a batch of them, at SNS. */
const MOST_BYTES = 262_144;
/** How many batches of one topic are in the air at most. */
const PARALLEL = 8;

/** A message on its way, and its size. */
interface Outgoing {
  readonly entry: Omit<PublishBatchRequestEntry, 'Id'>;
  readonly bytes: number;
}

/** Fanout exchanges as SNS topics, and bindings to them as subscriptions: what a message is published to once, SNS copies. */
export class SnsFanout implements FanoutStore {
  readonly #link: SqsLink;
  readonly #topics: SnsTopics;
  readonly #subscriptions: SnsSubscriptions;
  readonly #senders = new Map<string, Batcher<Outgoing>>();

  constructor(link: SqsLink, queues: Queues, topics: SnsTopics) {
    this.#link = link;
    this.#topics = topics;
    this.#subscriptions = new SnsSubscriptions(link, queues, topics);
  }

  async publish(entries: readonly BroadcastEntry[]): Promise<readonly ItemFailure[]> {
    this.#link.check();
    const what = ({ exchange }: BroadcastEntry): string => `publishing to topic '${exchange}'`;
    return eachItem(entries, what, (entry, done) => {
      const sender = this.#sender(entry.exchange);
      sender.add(outgoing(entry, this.#isFifo(entry.exchange)), done);
      return sender;
    });
  }

  bind(binding: BindingRecord): Promise<void> {
    return this.#subscriptions.bind(binding);
  }

  unbind(binding: BindingRecord): Promise<void> {
    return this.#subscriptions.unbind(binding);
  }

  async drop(exchange: string): Promise<void> {
    this.#subscriptions.forget(exchange);
    this.#senders.delete(exchange);
    await this.#topics.drop(exchange);
  }

  /** A queue is about to be deleted. */
  queueGone(queue: string): Promise<void> {
    return this.#subscriptions.queueGone(queue);
  }

  /** Resolves when everything that was published until now has been answered. */
  async drained(): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.drained()));
  }

  #isFifo(exchange: string): boolean {
    return isFifo(this.#topics.predefined(exchange)?.arn ?? exchange);
  }

  #sender(exchange: string): Batcher<Outgoing> {
    let sender = this.#senders.get(exchange);
    if (sender === undefined) {
      sender = new Batcher({
        most: BATCH,
        mostBytes: MOST_BYTES,
        parallel: this.#isFifo(exchange) ? 1 : PARALLEL,
        size: ({ bytes }: Outgoing) => bytes,
        send: (items) => this.#send(exchange, items),
      });
      this.#senders.set(exchange, sender);
    }
    return sender;
  }

  async #send(exchange: string, items: readonly Outgoing[]): Promise<ReadonlyMap<number, KombuError>> {
    const what = `publishing to topic '${exchange}'`;
    const TopicArn = await this.#topics.arn(exchange);
    const PublishBatchRequestEntries = items.map(({ entry }, i) => ({ ...entry, Id: String(i) }));
    const { PublishBatchCommand } = this.#topics.sns;
    const { Failed } = await this.#topics.call(what, exchange, (client, o) =>
      client.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }), o),
    );
    return failuresOf(Failed, (entry) => translateEntry(entry, what));
  }
}

/** A message as SNS has it. Throws where it can not be sent. */
function outgoing({ exchange, payload, message }: BroadcastEntry, fifo: boolean): Outgoing {
  const what = `a message for exchange '${exchange}'`;
  const MessageAttributes = writeAttributes(message.properties.message_attributes, what);
  // What SQS refuses in the text of a message SNS would take, and drop later.
  const Message = writeBody(envelopeOf(payload, MessageAttributes), false);
  const bytes = sizeOf(Message, MessageAttributes);
  if (bytes > MOST_BYTES) {
    throw new UndeliverableError(
      'MESSAGE_TOO_LARGE',
      `${what} has ${bytes} bytes with its envelope, SNS takes ${MOST_BYTES}`,
    );
  }
  return {
    entry: { Message, ...(MessageAttributes && { MessageAttributes }), ...(fifo ? ids(message, true) : {}) },
    bytes,
  };
}
