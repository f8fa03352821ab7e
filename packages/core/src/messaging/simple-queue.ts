import { CALL_OPTION_NAMES, checkCallOptions } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import type { CallOptions } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import { Exchange, type ExchangeOptions } from '../entity/exchange.js';
import { Queue } from '../entity/queue.js';
import type { QueueOptions } from '../entity/queue-options.js';
import { type ChannelOrConnection, isChannel } from '../entity/target.js';
import { ClosedError, InvalidOptionError, KombuError, SimpleQueueEmpty } from '../errors/index.js';
import { checkedSignal, onAbort } from '../util/abort.js';
import { checkOptionNames, flag } from '../util/check-options.js';
import { receiveMessage } from './get-message.js';
import { declareAll, isDeclared } from './maybe-declare.js';
import type { Message } from './message.js';
import { Producer } from './producer.js';
import type { PublishOptions } from './publish-options.js';
import { checkedAccept } from './resolve-consumer-options.js';
import { waitForDelivery } from './wait-for-delivery.js';

/** What a {@link SimpleQueue} is made with. */
export interface SimpleQueueOptions<T = unknown> {
  /** Messages count as done when they are taken. Default: as the queue says, else false. */
  noAck?: boolean | undefined;
  /** Further options of the queue, where a name is given instead of a Queue. */
  queueOptions?: Omit<QueueOptions<T>, 'exchange' | 'routingKey'> | undefined;
  /** Options of its exchange, where a name is given instead of a Queue. */
  exchangeOptions?: ExchangeOptions | undefined;
  /** Serializer of what is put. Default: objects are json, a string is `text/plain`, bytes are `application/data`. */
  serializer?: string | undefined;
  /** Compression of what is put. Default: none. */
  compression?: string | undefined;
  /** The content types that are taken; see `ConsumerOptions.accept`. */
  accept?: readonly string[] | 'any' | undefined;
}

/** How {@link SimpleQueue.get} waits. */
export interface SimpleGetOptions extends CallOptions {
  /** Whether to wait for a message. Default true: until there is one, or `timeoutMs`. */
  readonly block?: boolean | undefined;
}

const GET_NAMES = new Set([...CALL_OPTION_NAMES, 'block']);
const OPTIONS = new Set(['noAck', 'queueOptions', 'exchangeOptions', 'serializer', 'compression', 'accept']);

/**
 * A queue to put things into and get them out of, one at a time: a durable queue and a direct exchange of the same name, and
 * that name as the routing key. It takes no more from the broker than it hands out.
 *
 * Made with a Connection it has a channel of its own.
 *
 * @throws InvalidOptionError for an unknown option or a value of the wrong kind.
 */
export class SimpleQueue<T = unknown> implements AsyncIterable<Message<T>> {
  /** The queue on its channel. */
  readonly queue: BoundQueue<T>;
  /** What puts. */
  readonly producer: Producer;
  /** Whether messages count as done when they are taken. */
  readonly noAck: boolean;
  readonly #accept: readonly string[] | 'any' | undefined;
  readonly #ownership: 'own' | 'borrowed';
  /** What ends the calls of `get` that wait. */
  readonly #waits = new Set<AbortController>();
  #closing: Promise<void> | undefined;

  constructor(target: ChannelOrConnection, nameOrQueue: string | Queue<T>, options: SimpleQueueOptions<T> = {}) {
    checkOptionNames('SimpleQueue', options, OPTIONS);
    const declaration = typeof nameOrQueue === 'string' ? simpleDeclaration<T>(nameOrQueue, options) : nameOrQueue;
    if (!(declaration instanceof Queue)) throw new InvalidOptionError('SimpleQueue: a Queue or a name is needed');
    this.noAck = flag('SimpleQueue', 'noAck', options.noAck, declaration.noAck);
    this.#accept = checkedAccept(options.accept);
    this.#ownership = isChannel(target) ? 'borrowed' : 'own';
    const channel = isChannel(target) ? target : target.channel();
    this.queue = declaration.bind(channel);
    void channel.closed.then(() => this.#endWaits());
    this.producer = new Producer(channel, {
      exchange: declaration.exchange,
      // Without an exchange of its own the queue is reached by its name.
      routingKey: declaration.exchange.name === '' ? declaration.name : declaration.routingKey,
      serializer: options.serializer,
      compression: options.compression,
    });
  }

  /** The channel that it works on. */
  get channel(): Channel {
    return this.queue.channel;
  }

  /** Puts something in; resolves when the broker has it. */
  put(body: unknown, options: PublishOptions = {}): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    return this.producer.publish(body, { ...options, declare: [this.queue as BoundQueue, ...(options.declare ?? [])] });
  }

  /**
   * Takes the next message. It has to be settled, unless `noAck`. Several calls may wait at once.
   *
   * @throws SimpleQueueEmpty when there is none (`block: false`) or none came within `timeoutMs`; ContentDisallowed and
   * DecodeError for a message that `accept` refuses, which is rejected then; AbortedError; ClosedError.
   */
  async get(given: SimpleGetOptions = {}): Promise<Message<T>> {
    checkOptionNames('get', given, GET_NAMES);
    const { block = true, timeoutMs } = given;
    const signal = checkedSignal(given.signal, 'get');
    if (this.#closing !== undefined) throw closedError();
    const stop = new AbortController();
    const abort = (): void => stop.abort(signal?.reason);
    if (signal?.aborted) abort();
    const unlisten = signal && onAbort(signal, abort);
    this.#waits.add(stop);
    try {
      const options = { timeoutMs, signal: stop.signal, noAck: this.noAck, accept: this.#accept };
      const message = await receiveMessage<T>(
        this.queue,
        options,
        (limit = stop.signal) => this.#take(block, limit),
        false,
      );
      if (message === undefined) throw new SimpleQueueEmpty(`queue '${this.queue.name}' is empty`);
      return message;
    } catch (error) {
      throw this.#explained(error, timeoutMs);
    } finally {
      this.#waits.delete(stop);
      unlisten?.();
    }
  }

  async #take(block: boolean, signal: AbortSignal) {
    await this.#declare({ signal });
    if (block) return waitForDelivery(this.queue as BoundQueue, signal);
    return this.channel.get(this.queue.name, { signal });
  }

  #explained(error: unknown, timeoutMs: number | undefined): unknown {
    const isOver = this.#closing !== undefined || this.channel.state === 'closed';
    if (isOver && KombuError.is(error, 'ERR_KOMBU_ABORTED')) return closedError();
    if (!KombuError.is(error, 'ERR_KOMBU_TIMEOUT')) return error;
    return new SimpleQueueEmpty(`queue '${this.queue.name}' had no message within ${timeoutMs} ms`, { cause: error });
  }

  /** Takes the next message if there is one. @throws SimpleQueueEmpty when not. */
  getNowait(options: CallOptions = {}): Promise<Message<T>> {
    return this.get({ ...options, block: false });
  }

  /** How many messages are ready. */
  async qsize(options: CallOptions = {}): Promise<number> {
    checkCallOptions('qsize', options);
    await this.#declare(options);
    return (await this.queue.queueDeclare({ ...options, passive: true })).messageCount;
  }

  /** Removes the messages that are ready; resolves with how many. */
  async clear(options: CallOptions = {}): Promise<number> {
    checkCallOptions('clear', options);
    await this.#declare(options);
    return this.queue.purge(options);
  }

  async #declare(options: CallOptions): Promise<void> {
    const entity = this.queue as BoundQueue;
    if (!isDeclared(entity, this.channel)) await declareAll([entity], this.channel, options, undefined);
  }

  /** Ends it, and every `get` that waits. Messages of its own channel that are not settled go back. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await undefined; // From here on what is aborted knows why.
    this.#endWaits();
    await this.producer.close();
    if (this.#ownership === 'own') await this.channel.close();
  }

  #endWaits(): void {
    for (const wait of this.#waits) wait.abort();
  }

  /** The same as {@link SimpleQueue.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Takes one message after the other, for ever: until the loop is left or the queue is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message<T>, void, undefined> {
    while (this.#closing === undefined) {
      let message: Message<T>;
      try {
        message = await this.get();
      } catch (error) {
        if (KombuError.is(error, 'ERR_KOMBU_CLOSED')) return;
        throw error;
      }
      yield message;
    }
  }
}

/**
 * A {@link SimpleQueue} for what may be lost: queue and exchange are transient and go away when they are not used any more,
 * messages are transient, and nothing is acknowledged.
 */
export class SimpleBuffer<T = unknown> extends SimpleQueue<T> {
  constructor(target: ChannelOrConnection, nameOrQueue: string | Queue<T>, options: SimpleQueueOptions<T> = {}) {
    super(target, nameOrQueue, {
      noAck: true,
      ...options,
      queueOptions: { durable: false, autoDelete: true, ...options.queueOptions },
      exchangeOptions: { durable: false, autoDelete: true, deliveryMode: 'transient', ...options.exchangeOptions },
    });
  }
}

function simpleDeclaration<T>(name: string, options: SimpleQueueOptions<T>): Queue<T> {
  const exchange = new Exchange(name, { type: 'direct', ...options.exchangeOptions });
  return new Queue<T>(name, { ...options.queueOptions, exchange, routingKey: name });
}

function closedError(): ClosedError {
  return new ClosedError('the simple queue is closed');
}
