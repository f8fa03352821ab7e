import type * as Sns from '@aws-sdk/client-sns';
import { InvalidOptionError, KombuError } from '@kombu/core';
import type { Clients } from './clients.js';
import type { SqsLink } from './link.js';
import { canonicalName, isFifo } from './names.js';
import type { PredefinedExchange, SqsOptions } from './options.js';
import { optional } from './role.js';

const TAGS = [{ Key: 'ManagedBy', Value: 'Celery/Kombu' }];

/** The SNS topics of fanout exchanges, and the clients to talk to them with. */
export class SnsTopics {
  /** The SDK, as it was loaded. */
  readonly sns: typeof Sns;
  readonly #link: SqsLink;
  readonly #clients: Clients;
  readonly #options: SqsOptions;
  readonly #made = new Map<string, Sns.SNSClient>();
  readonly #topics = new Map<string, Promise<string>>();

  constructor(link: SqsLink, clients: Clients, options: SqsOptions, sns: typeof Sns) {
    this.#link = link;
    this.#clients = clients;
    this.#options = options;
    this.sns = sns;
  }

  /** @throws NotSupportedError where the SNS client is not installed */
  static async open(link: SqsLink, clients: Clients, options: SqsOptions): Promise<SnsTopics> {
    for (const [name, exchange] of Object.entries(options.predefinedExchanges ?? {})) {
      if (typeof exchange?.arn === 'string' && exchange.arn.startsWith('arn:')) continue;
      throw new InvalidOptionError(`predefinedExchanges: exchange '${name}' needs an 'arn'`);
    }
    const sns = await optional('@aws-sdk/client-sns', () => import('@aws-sdk/client-sns'));
    return new SnsTopics(link, clients, options, sns);
  }

  /** What the options say of an exchange. */
  predefined(exchange: string): PredefinedExchange | undefined {
    const { predefinedExchanges = {} } = this.#options;
    return Object.hasOwn(predefinedExchanges, exchange) ? predefinedExchanges[exchange] : undefined;
  }

  /** The topic of an exchange, made if it is missing. */
  arn(exchange: string): Promise<string> {
    let topic = this.#topics.get(exchange);
    if (topic === undefined) {
      topic = this.#make(exchange);
      this.#topics.set(exchange, topic);
      topic.catch(() => this.#topics.delete(exchange));
    }
    return topic;
  }

  /** Makes a call that has to do with the topic of an exchange. Where somebody has deleted that, the next call makes it again. */
  async call<T>(
    what: string,
    exchange: string,
    send: (client: Sns.SNSClient, o: { requestTimeout: number }) => Promise<T>,
  ): Promise<T> {
    const other = this.predefined(exchange);
    const key = JSON.stringify([other?.region, other?.accessKeyId]);
    const client = this.#made.get(key) ?? new this.sns.SNSClient(this.#clients.sns(other) as object);
    if (!this.#made.has(key)) this.#clients.keep(client);
    this.#made.set(key, client);
    try {
      return await this.#link.call(what, (o) => send(client, o));
    } catch (error) {
      if (KombuError.is(error, 'ERR_KOMBU_NOT_FOUND')) this.#topics.delete(exchange);
      throw error;
    }
  }

  /** Deletes the topic of an exchange that this link has used, unless it is somebody else's. */
  async drop(exchange: string): Promise<void> {
    const topic = this.#topics.get(exchange);
    this.#topics.delete(exchange);
    if (topic === undefined || this.predefined(exchange) !== undefined) return;
    const TopicArn = await topic;
    const { DeleteTopicCommand } = this.sns;
    await this.call(`deleting topic '${exchange}'`, exchange, (client, o) =>
      client.send(new DeleteTopicCommand({ TopicArn }), o),
    );
  }

  async #make(exchange: string): Promise<string> {
    const predefined = this.predefined(exchange);
    if (predefined !== undefined) return predefined.arn;
    if (this.#options.predefinedExchanges !== undefined) {
      throw new InvalidOptionError(`exchange '${exchange}' is not one of predefinedExchanges`);
    }
    const Name = canonicalName(this.#options.queueNamePrefix ?? '', exchange);
    const Attributes = isFifo(Name) ? { FifoTopic: 'true' } : undefined;
    const { CreateTopicCommand } = this.sns;
    const made = await this.call(`making topic '${exchange}'`, exchange, (client, o) =>
      client.send(new CreateTopicCommand({ Name, Tags: TAGS, ...(Attributes && { Attributes }) }), o),
    );
    return made.TopicArn as string;
  }
}
