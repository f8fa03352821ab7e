import type * as Sns from '@aws-sdk/client-sns';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { InvalidOptionError, KombuError, UndeliverableError } from '@kombu/core';
import type { BindingRecord, BroadcastEntry, FanoutStore } from '@kombu/core/virtual';
import type { Clients } from './clients.js';
import type { SqsLink } from './link.js';
import { writeAttributes } from './message-body.js';
import { canonicalName, isFifo } from './names.js';
import type { PredefinedExchange, SqsOptions } from './options.js';
import { ids } from './put.js';
import { BATCH } from './queue.js';
import { allowTopic } from './queue-policy.js';
import type { Queues } from './queues.js';
import { optional } from './role.js';
import { isMissing, translateEntry } from './translate-error.js';

/** The most bytes of one message, and of a batch of them, at SNS. */
const MOST_BYTES = 262_144;
const TAGS = [{ Key: 'ManagedBy', Value: 'Celery/Kombu' }];

/** Fanout exchanges as SNS topics, and bindings to them as subscriptions: what a message is published to once, SNS copies. */
export class SnsFanout implements FanoutStore {
  readonly #link: SqsLink;
  readonly #clients: Clients;
  readonly #queues: Queues;
  readonly #options: SqsOptions;
  readonly #sns: typeof Sns;
  readonly #made = new Map<string, Sns.SNSClient>();
  readonly #topics = new Map<string, Promise<string>>();
  /** ARNs of subscriptions, by queue and exchange. */
  readonly #subscriptions = new Map<string, Map<string, Promise<string>>>();

  constructor(link: SqsLink, clients: Clients, queues: Queues, options: SqsOptions, sns: typeof Sns) {
    this.#link = link;
    this.#clients = clients;
    this.#queues = queues;
    this.#options = options;
    this.#sns = sns;
  }

  /** @throws NotSupportedError where the SNS client is not installed */
  static async open(link: SqsLink, clients: Clients, queues: Queues, options: SqsOptions): Promise<SnsFanout> {
    for (const [name, exchange] of Object.entries(options.predefinedExchanges ?? {})) {
      if (typeof exchange?.arn === 'string' && exchange.arn.startsWith('arn:')) continue;
      throw new InvalidOptionError(`predefinedExchanges: exchange '${name}' needs an 'arn'`);
    }
    const sns = await optional('@aws-sdk/client-sns', () => import('@aws-sdk/client-sns'));
    return new SnsFanout(link, clients, queues, options, sns);
  }

  async publish(entries: readonly BroadcastEntry[]): Promise<void> {
    const topics = new Map<string, BroadcastEntry[]>();
    for (const entry of entries) {
      const list = topics.get(entry.exchange) ?? [];
      topics.set(entry.exchange, list);
      list.push(entry);
    }
    await Promise.all([...topics].map(([exchange, list]) => this.#publish(exchange, list)));
  }

  async bind({ exchange, destination }: BindingRecord): Promise<void> {
    // Both are somebody else's, and so is what joins them.
    if (this.#predefined(exchange) !== undefined && this.#queues.predefined) return;
    const known = this.#subscriptions.get(destination) ?? new Map<string, Promise<string>>();
    this.#subscriptions.set(destination, known);
    let subscription = known.get(exchange);
    if (subscription === undefined) {
      subscription = this.#subscribe(exchange, destination);
      known.set(exchange, subscription);
      subscription.catch(() => known.delete(exchange));
    }
    await subscription;
  }

  async unbind({ exchange, destination }: BindingRecord): Promise<void> {
    const known = this.#subscriptions.get(destination);
    const subscription = known?.get(exchange);
    known?.delete(exchange);
    if (subscription !== undefined) await this.#unsubscribe(exchange, await subscription);
  }

  async drop(exchange: string): Promise<void> {
    const topic = this.#topics.get(exchange);
    this.#topics.delete(exchange);
    for (const known of this.#subscriptions.values()) known.delete(exchange);
    if (topic === undefined || this.#predefined(exchange) !== undefined) return;
    const TopicArn = await topic;
    const { DeleteTopicCommand } = this.#sns;
    await this.#call(`deleting topic '${exchange}'`, exchange, (client, o) =>
      client.send(new DeleteTopicCommand({ TopicArn }), o),
    );
  }

  /** A queue is about to be deleted. */
  async queueGone(queue: string): Promise<void> {
    const known = [...(this.#subscriptions.get(queue) ?? [])];
    this.#subscriptions.delete(queue);
    for (const [exchange, subscription] of known) await this.#unsubscribe(exchange, await subscription);
  }

  close(): void {
    for (const client of this.#made.values()) client.destroy();
  }

  #predefined(exchange: string): PredefinedExchange | undefined {
    return this.#options.predefinedExchanges?.[exchange];
  }

  #call<T>(
    what: string,
    exchange: string,
    send: (client: Sns.SNSClient, o: { requestTimeout: number }) => Promise<T>,
  ): Promise<T> {
    const other = this.#predefined(exchange);
    const key = JSON.stringify([other?.region, other?.accessKeyId]);
    let client = this.#made.get(key);
    if (client === undefined) {
      client = new this.#sns.SNSClient(this.#clients.config(other) as object);
      this.#made.set(key, client);
    }
    const made = client;
    return this.#link.call(what, (o) => send(made, o));
  }

  /** The topic of an exchange, made if it is missing. */
  #topic(exchange: string): Promise<string> {
    let topic = this.#topics.get(exchange);
    if (topic === undefined) {
      topic = this.#makeTopic(exchange);
      this.#topics.set(exchange, topic);
      topic.catch(() => this.#topics.delete(exchange));
    }
    return topic;
  }

  async #makeTopic(exchange: string): Promise<string> {
    const predefined = this.#predefined(exchange);
    if (predefined !== undefined) return predefined.arn;
    if (this.#options.predefinedExchanges !== undefined) {
      throw new InvalidOptionError(`exchange '${exchange}' is not one of predefinedExchanges`);
    }
    const Name = canonicalName(this.#options.queueNamePrefix ?? '', exchange);
    const Attributes = isFifo(Name) ? { FifoTopic: 'true' } : undefined;
    const { CreateTopicCommand } = this.#sns;
    const made = await this.#call(`making topic '${exchange}'`, exchange, (client, o) =>
      client.send(new CreateTopicCommand({ Name, Tags: TAGS, ...(Attributes && { Attributes }) }), o),
    );
    return made.TopicArn as string;
  }

  async #subscribe(exchange: string, queue: string): Promise<string> {
    const TopicArn = await this.#topic(exchange);
    await this.#forgetDeleted(exchange, TopicArn);
    const one = this.#queues.get(queue);
    const { QueueArn = '', Policy } = await one.attributes('QueueArn', 'Policy');
    const policy = allowTopic(Policy, QueueArn, TopicArn);
    if (policy !== undefined) {
      const change = new SetQueueAttributesCommand({ QueueUrl: await one.url(), Attributes: { Policy: policy } });
      await this.#link.call(`letting topic '${exchange}' send to queue '${queue}'`, (o) => one.client.send(change, o));
    }
    const { SubscribeCommand } = this.#sns;
    const { SubscriptionArn } = await this.#call(`subscribing queue '${queue}'`, exchange, (client, o) =>
      client.send(
        new SubscribeCommand({
          TopicArn,
          Protocol: 'sqs',
          Endpoint: QueueArn,
          ReturnSubscriptionArn: true,
          Attributes: { RawMessageDelivery: 'true' },
        }),
        o,
      ),
    );
    return SubscriptionArn as string;
  }

  /** Ends subscriptions of queues of this account that are not there any more. */
  async #forgetDeleted(exchange: string, TopicArn: string): Promise<void> {
    if (this.#queues.predefined) return;
    const { ListSubscriptionsByTopicCommand } = this.#sns;
    const { Subscriptions = [] } = await this.#call(`looking at topic '${exchange}'`, exchange, (client, o) =>
      client.send(new ListSubscriptionsByTopicCommand({ TopicArn }), o),
    );
    const account = TopicArn.split(':').slice(3, 5).join(':');
    for (const { Protocol, Endpoint = '', SubscriptionArn = '' } of Subscriptions) {
      const [, , , region, owner, name = ''] = Endpoint.split(':');
      if (Protocol !== 'sqs' || `${region}:${owner}` !== account) continue;
      if (!(await this.#queues.existsAs(name))) await this.#unsubscribe(exchange, SubscriptionArn);
    }
  }

  async #unsubscribe(exchange: string, SubscriptionArn: string): Promise<void> {
    const { UnsubscribeCommand } = this.#sns;
    try {
      await this.#call(`unsubscribing from topic '${exchange}'`, exchange, (client, o) =>
        client.send(new UnsubscribeCommand({ SubscriptionArn }), o),
      );
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #publish(exchange: string, entries: readonly BroadcastEntry[]): Promise<void> {
    const what = `publishing to topic '${exchange}'`;
    const TopicArn = await this.#topic(exchange);
    const fifo = isFifo(TopicArn);
    const { PublishBatchCommand } = this.#sns;
    for (const batch of batches(entries, exchange)) {
      const PublishBatchRequestEntries = batch.map(({ payload, message: { properties } }, i) => {
        const MessageAttributes = writeAttributes(properties.message_attributes, what);
        const own = fifo ? ids(properties, true) : {};
        return { Id: String(i), Message: payload, ...(MessageAttributes && { MessageAttributes }), ...own };
      });
      const { Failed } = await this.#call(what, exchange, (client, o) =>
        client.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }), o),
      ).catch((error) => {
        // Somebody has deleted the topic: the next publish makes it again.
        if (KombuError.is(error, 'ERR_KOMBU_NOT_FOUND')) this.#topics.delete(exchange);
        throw error;
      });
      const [failed] = Failed ?? [];
      if (failed !== undefined) throw translateEntry(failed, what);
    }
  }
}

/** As many entries together as SNS takes. */
function batches(entries: readonly BroadcastEntry[], exchange: string): readonly BroadcastEntry[][] {
  const all: BroadcastEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.payload);
    if (size > MOST_BYTES) {
      const what = `a message for exchange '${exchange}' has ${size} bytes with its envelope`;
      throw new UndeliverableError('MESSAGE_TOO_LARGE', `${what}, SNS takes ${MOST_BYTES}`);
    }
    bytes += size;
    const last = all.at(-1);
    if (last === undefined || last.length >= BATCH || bytes > MOST_BYTES) {
      all.push([entry]);
      bytes = size;
    } else last.push(entry);
  }
  return all;
}
