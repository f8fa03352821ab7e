import { CALL_OPTION_NAMES } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import { type CallOptions, sleep } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import { Queue } from '../entity/queue.js';
import { NotSupportedError } from '../errors/index.js';
import { Consumer as KombuConsumer } from '../messaging/consumer.js';
import type { ConsumerOptions as KombuConsumerOptions } from '../messaging/consumer-options.js';
import { maybeDeclare } from '../messaging/maybe-declare.js';
import type { Message } from '../messaging/message.js';
import { checkOptionNames, wholeNumber } from '../util/check-options.js';
import { type CarrotExchangeOptions, exchangeFrom } from './exchange-options.js';
import { CarrotIteration, type IterconsumeOptions } from './iterconsume.js';

/** What a {@link Consumer} is made with. */
export interface ConsumerOptions<T = unknown> extends CarrotExchangeOptions, Omit<KombuConsumerOptions<T>, 'queues'> {
  /** Name of the queue. */
  readonly queue?: string | undefined;
  /** The binding key. Default `''`. */
  readonly routingKey?: string | undefined;
  /** The channel to consume on. Default: one of its own. */
  readonly channel?: Channel | undefined;
}

/** How {@link Consumer.fetch} takes a message. */
export interface FetchOptions extends CallOptions {
  /** It counts as done when it is taken. Default: as the consumer says. */
  readonly noAck?: boolean | undefined;
  /** Gives it to the callbacks, too. Default false. */
  readonly enableCallbacks?: boolean | undefined;
}

/** How {@link Consumer.iterqueue} iterates. */
export interface IterqueueOptions extends CallOptions {
  /** After how many messages it ends. Default: when the queue is empty. */
  readonly limit?: number | undefined;
  /** Goes on when the queue is empty. Default false. */
  readonly infinite?: boolean | undefined;
}

const FETCH_NAMES = new Set([...CALL_OPTION_NAMES, 'noAck', 'enableCallbacks']);

/** How often an empty queue is looked at. */
const POLL_MS = 100;

/** Carrot's consumer: of one queue, named with its exchange in one go. New code uses `Consumer` of the main entry point. */
export class Consumer<T = unknown> extends KombuConsumer<T> {
  readonly #iteration = new CarrotIteration<T>(this);
  readonly #noAck: boolean | undefined;
  readonly #accept: readonly string[] | 'any' | undefined;

  /** @throws InvalidOptionError for an unknown option or a value of the wrong kind. */
  constructor(connection: Connection, options: ConsumerOptions<T> = {}) {
    const { queue, routingKey, channel, exchange, exchangeType, durable, autoDelete, exclusive, ...rest } = options;
    const declaration = exchangeFrom({ exchange, exchangeType, durable, autoDelete });
    const one = new Queue<T>(queue, { exchange: declaration, routingKey, durable, exclusive, autoDelete });
    super(channel ?? connection, { ...rest, queues: [one] });
    this.#noAck = options.noAck;
    this.#accept = options.accept;
  }

  /** Takes one message; undefined when there is none. */
  async fetch(options: FetchOptions = {}): Promise<Message<T> | undefined> {
    checkOptionNames('fetch', options, FETCH_NAMES);
    const { noAck, enableCallbacks, signal, timeoutMs } = options;
    void this.channel; // The queue is to be on it.
    const queue = this.queues[0] as BoundQueue<T>;
    await maybeDeclare(queue as BoundQueue, this.channel, { signal, timeoutMs });
    const message = await queue.get({ noAck: noAck ?? this.#noAck, accept: this.#accept, signal, timeoutMs });
    if (message !== undefined && enableCallbacks) await this.receive(message.payload, message);
    return message;
  }

  /** Takes one message and gives it to the callbacks; undefined when there is none. */
  processNext(options: CallOptions = {}): Promise<Message<T> | undefined> {
    return this.fetch({ ...options, enableCallbacks: true });
  }

  /** Removes the messages that are ready; resolves with how many. @throws NotSupportedError for a filter. */
  async discardAll(filter?: undefined): Promise<number> {
    if (filter !== undefined) throw new NotSupportedError('discardAll: a filter is not supported');
    await this.declare();
    return this.purge();
  }

  /** Consumes, and yields each time that the callbacks are called. */
  iterconsume(options: IterconsumeOptions = {}): AsyncGenerator<void, void, undefined> {
    return this.#iteration.iterate(options);
  }

  /** Consumes until the callbacks were called `limit` times. */
  async wait(limit?: number, options: Omit<IterconsumeOptions, 'limit'> = {}): Promise<void> {
    for await (const _ of this.iterconsume({ ...options, limit }));
  }

  /** The messages of the queue one by one, until it is empty. They have to be settled. */
  async *iterqueue(options: IterqueueOptions = {}): AsyncGenerator<Message<T>, void, undefined> {
    const { infinite = false, limit, ...call } = options;
    const most = wholeNumber('iterqueue', 'limit', limit, 0) ?? Number.POSITIVE_INFINITY;
    for (let count = 0; count < most; ) {
      const message = await this.fetch(call);
      if (message !== undefined) {
        count++;
        yield message;
      } else if (infinite) {
        await sleep(POLL_MS, this.connection.clock, 'iterqueue', { signal: call.signal });
      } else {
        return;
      }
    }
  }
}
