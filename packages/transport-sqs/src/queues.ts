import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  QueueAttributeName,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { ChannelError, InvalidOptionError, KombuError, type QueueSpec } from '@kombu/core';
import type { Clients } from './clients.js';
import type { SqsLink } from './link.js';
import { canonicalName, isFifo } from './names.js';
import type { PredefinedQueue, SqsOptions } from './options.js';
import { drain } from './purge.js';
import { sendBatch } from './put.js';
import { SqsQueue } from './queue.js';
import { isMissing } from './translate-error.js';

/** The pause before a queue that was just made is used again. */
const NEW_PAUSE_MS = 250;
/** What Python gives a queue that it makes. */
const DEFAULT_VISIBILITY_MS = 1_800_000;
/** Above so many queues the first one that nothing waits for is forgotten, and looked for again when it is used. */
const MOST_KNOWN = 5000;
/** Attributes that a queue can be made with. */
const ATTRIBUTES: ReadonlySet<string> = new Set(Object.values(QueueAttributeName));

/** The queues that a link has to do with. */
export class Queues {
  readonly #link: SqsLink;
  readonly #clients: Clients;
  readonly #options: SqsOptions;
  readonly #predefined: ReadonlyMap<string, PredefinedQueue> | undefined;
  readonly #known = new Map<string, SqsQueue>();
  /** Names as they were declared here, by what SQS makes of them. */
  readonly #declared = new Map<string, string>();

  constructor(link: SqsLink, clients: Clients, options: SqsOptions) {
    this.#link = link;
    this.#clients = clients;
    this.#options = options;
    this.#predefined = options.predefinedQueues && readPredefined(options.predefinedQueues);
  }

  /** Whether only queues that were named beforehand are used. */
  get predefined(): boolean {
    return this.#predefined !== undefined;
  }

  /** One of the queues that were named beforehand. */
  anyPredefined(): SqsQueue | undefined {
    const [name] = this.#predefined?.keys() ?? [];
    return name === undefined ? undefined : this.get(name);
  }

  /** A queue by its name, there or not. */
  get(name: string): SqsQueue {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const canonical = canonicalName(this.#options.queueNamePrefix ?? '', name);
    const predefined = this.#predefined?.get(name) ?? this.#predefined?.get(canonical);
    const client = this.#clients.of(predefined);
    const queue: SqsQueue = new SqsQueue({
      name,
      canonical,
      fifo: isFifo(canonical),
      link: this.#link,
      client,
      backoffPolicy: predefined?.backoffPolicy ?? this.#options.backoffPolicy,
      url: () => this.#url(name, canonical, client, predefined),
      send: (one, items) => this.#send(one, items),
    });
    if (this.#known.size >= MOST_KNOWN) this.#forgetOne();
    this.#known.set(name, queue);
    return queue;
  }

  #forgetOne(): void {
    for (const [name, queue] of this.#known) {
      if (!queue.isIdle) continue;
      this.#known.delete(name);
      return;
    }
  }

  async create({ name, arguments: args }: QueueSpec): Promise<void> {
    const queue = this.get(name);
    this.#refuseOther(queue);
    if (!(await this.has(name))) {
      if (this.predefined) throw notPredefined(name);
      await this.#make(queue, attributesOf(this.#options, args, queue));
    }
    this.#declared.set(queue.canonical, name);
  }

  /** Throws where SQS has, under the name that it makes of this one, a queue that was declared here by another name. */
  #refuseOther({ name, canonical }: SqsQueue): void {
    const other = this.#declared.get(canonical);
    if (other === undefined || other === name) return;
    throw new ChannelError(
      'PRECONDITION_FAILED',
      `queues '${other}' and '${name}' would be one queue at SQS: '${canonical}'`,
    );
  }

  async delete(name: string): Promise<void> {
    const queue = this.#known.get(name) ?? this.get(name);
    this.#refuseOther(queue);
    if (!this.predefined) {
      try {
        const QueueUrl = await queue.url();
        await this.#link.call(`deleting queue '${name}'`, (o) =>
          queue.client.send(new DeleteQueueCommand({ QueueUrl }), o),
        );
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    this.#known.delete(name);
    this.#declared.delete(queue.canonical);
  }

  /** Asks the service, whatever is known. */
  async has(name: string): Promise<boolean> {
    const queue = this.get(name);
    if (!this.predefined) queue.found(undefined);
    try {
      await queue.url();
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Whether there is a queue with this name at SQS. */
  async existsAs(canonical: string): Promise<boolean> {
    const find = new GetQueueUrlCommand({ QueueName: canonical });
    try {
      await this.#link.call(`looking for queue '${canonical}'`, (o) => this.#clients.of().send(find, o));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Nothing is in a queue that is not there. */
  async size(name: string): Promise<number> {
    try {
      const { ApproximateNumberOfMessages } = await this.get(name).attributes('ApproximateNumberOfMessages');
      return Number(ApproximateNumberOfMessages ?? 0);
    } catch (error) {
      if (isMissing(error)) return 0;
      throw error;
    }
  }

  async purge(name: string, signal?: AbortSignal): Promise<number> {
    const queue = this.get(name);
    this.#refuseOther(queue);
    return drain(this.#link, queue, signal);
  }

  /** Resolves when everything that was sent until now has been answered. */
  async drained(): Promise<void> {
    await Promise.all([...this.#known.values()].map((queue) => queue.drained()));
  }

  async #url(name: string, canonical: string, client: SQSClient, predefined?: PredefinedQueue): Promise<string> {
    if (predefined !== undefined) return predefined.url;
    if (this.predefined) throw notPredefined(name);
    const { QueueUrl } = await this.#link.call(`looking for queue '${name}'`, (o) =>
      client.send(new GetQueueUrlCommand({ QueueName: canonical }), o),
    );
    return QueueUrl as string;
  }

  /** Stores a batch. A queue that is not there is made, unless somebody else has to do that; a new one may take a moment. */
  async #send(queue: SqsQueue, items: Parameters<typeof sendBatch>[2]): ReturnType<typeof sendBatch> {
    for (let tries = 0; ; tries++) {
      try {
        return await sendBatch(this.#link, queue, items);
      } catch (error) {
        if (!isMissing(error) || this.predefined || (tries > 0 && !queue.isNew)) throw error;
        if (tries === 0) await this.#make(queue, attributesOf(this.#options, {}, queue));
        else await delay(NEW_PAUSE_MS);
      }
    }
  }

  async #make(queue: SqsQueue, attributes: Record<string, string>): Promise<void> {
    const { queueTags: tags } = this.#options;
    const make = new CreateQueueCommand({ QueueName: queue.canonical, Attributes: attributes, ...(tags && { tags }) });
    queue.found(undefined);
    try {
      const { QueueUrl } = await this.#link.call(`making queue '${queue.name}'`, (o) => queue.client.send(make, o));
      queue.made(QueueUrl);
    } catch (error) {
      // Somebody else was quicker, and gave it other attributes.
      if (!KombuError.is(error) || (error.cause as Error | undefined)?.name !== 'QueueNameExists') throw error;
      await queue.url();
    }
  }
}

function notPredefined(name: string): ChannelError {
  return new ChannelError('NOT_FOUND', `queue '${name}' is not one of predefinedQueues`);
}

function readPredefined(given: Readonly<Record<string, PredefinedQueue>>): ReadonlyMap<string, PredefinedQueue> {
  const queues = new Map<string, PredefinedQueue>();
  for (const [name, queue] of Object.entries(given)) {
    const what = `predefinedQueues: queue '${name}'`;
    if (typeof queue?.url !== 'string' || !/^https?:\/\//.test(queue.url)) {
      throw new InvalidOptionError(`${what} needs a 'url'`);
    }
    if (isFifo(name) !== isFifo(queue.url)) {
      throw new InvalidOptionError(`${what}: its name and its url must both end in .fifo, or neither`);
    }
    queues.set(name, queue);
  }
  return queues;
}

/** The attributes that a queue is made with: the transport's, and arguments of the declaration that are attributes of SQS. */
function attributesOf(
  options: SqsOptions,
  args: Readonly<Record<string, unknown>>,
  { name: queue, fifo }: SqsQueue,
): Record<string, string> {
  const seconds = Math.ceil((options.visibilityTimeoutMs ?? DEFAULT_VISIBILITY_MS) / 1000);
  const attributes: Record<string, string> = { VisibilityTimeout: String(seconds) };
  if (fifo) attributes.FifoQueue = 'true';
  // Arguments of other kinds, such as `x-message-ttl`, are not for SQS.
  const own = Object.entries(args).filter(([name]) => /^[A-Z]/.test(name));
  for (const [name, value] of [...Object.entries(options.queueAttributes ?? {}), ...own]) {
    if (!ATTRIBUTES.has(name)) throw new InvalidOptionError(`queue '${queue}': SQS has no attribute '${name}'`);
    attributes[name] = typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  return attributes;
}
