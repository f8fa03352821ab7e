import { checkCallOptions } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import type { CallOptions } from '../connection/deadlines.js';
import { Emitter } from '../connection/events.js';
import { BoundQueue } from '../entity/bound-queue.js';
import { Queue } from '../entity/queue.js';
import type { ChannelOrConnection } from '../entity/target.js';
import { InvalidOptionError, NotSupportedError } from '../errors/index.js';
import { checkedSignal } from '../util/abort.js';
import { checkOptionNames, milliseconds, wholeNumber } from '../util/check-options.js';
import {
  CLOSE_OPTION_NAMES,
  type CloseOptions,
  CONSUME_OPTION_NAMES,
  type ConsumableQueue,
  type ConsumeOptions,
  type ConsumerEvents,
  type ConsumerOptions,
  type MessageCallback,
  type MessageHandler,
  QOS_OPTION_NAMES,
  type QosOptions,
  type ResolvedConsumerOptions,
} from './consumer-options.js';
import type { ConsumerRun } from './consumer-run.js';
import { Consumption } from './consumption.js';
import { DEFAULT_DRAIN_MS } from './drain-time.js';
import { hooksOf } from './failures.js';
import { isThenable } from './handler-context.js';
import type { Message } from './message.js';
import { resolveConsumerOptions } from './resolve-consumer-options.js';

const NO_QUEUE = 'a consumer needs queues: new Queue(name, ...)';
const BOTH = 'a consumer has either a handler or a loop over it, not both';

/**
 * Consumes from queues: calls a handler for each message, or gives them one by one as an async iterator.
 *
 * Made with a Connection it has a channel of its own. It does nothing until `consume()` or the first turn of a `for await`
 * loop. `T` is the type that payloads are taken to be.
 *
 * - Handlers start in the order of delivery, at most `concurrency` at a time.
 * - A handler that throws or rejects loses nothing: see `onError`.
 * - After a lost link it consumes again by itself. A queue that somebody else deleted it declares again, after a while (unless
 *   `autoDeclare` is off or the queue says `noDeclare`).
 */
export class Consumer<T = unknown> implements AsyncIterable<Message<T>> {
  readonly #options: ResolvedConsumerOptions;
  readonly #onMessage: MessageHandler<T> | undefined;
  readonly #callbacks: MessageCallback<T>[];
  readonly #events: Emitter<ConsumerEvents>;
  readonly #consumption: Consumption<T>;
  #queues: readonly BoundQueue<T>[] = [];
  #starting: Promise<void> = Promise.resolve();
  #observer: (() => void) | undefined;

  /** @throws InvalidOptionError for an unknown option or a value of the wrong kind. */
  constructor(target: ChannelOrConnection, options: ConsumerOptions<T> = {}) {
    this.#options = resolveConsumerOptions(options);
    this.#onMessage = options.onMessage;
    this.#callbacks = [...(options.callbacks ?? [])];
    this.#events = new Emitter<ConsumerEvents>(() => this.connection.logger);
    const hooks = hooksOf(options, (error, message) => this.#events.emit('error', { error, message }));
    this.#consumption = new Consumption<T>(target, this.#options, hooks, this.#events, {
      moved: (channel) => {
        this.#queues = this.#queues.map((queue) => queue.rebind(channel));
      },
      start: (run) => this.#start(run, {}),
      find: (name) => this.#queues.find((queue) => queue.name === name) as BoundQueue | undefined,
      restart: (run, queue, noAck) => this.#inTurn(() => run.start([queue], noAck)),
    });
    const { queues = [] } = options;
    for (const queue of Array.isArray(queues) ? queues : [queues]) this.addQueue(queue as ConsumableQueue<T>);
    this.#consumption.heedSignal();
  }

  /** The connection that it works over. */
  get connection(): Connection {
    return this.#consumption.connection;
  }

  /** The channel that it consumes on. */
  get channel(): Channel {
    return this.#consumption.channel;
  }

  /** The queues that it consumes from, or will. */
  get queues(): readonly BoundQueue<T>[] {
    return this.#queues;
  }

  /** Adds a queue; `consume()` starts it. One of a name that is there already is not added again. */
  addQueue(queue: ConsumableQueue<T>): BoundQueue<T> {
    if (!(queue instanceof Queue || queue instanceof BoundQueue)) throw new InvalidOptionError(NO_QUEUE);
    const known = queue.name === '' ? undefined : this.#queues.find(({ name }) => name === queue.name);
    if (known !== undefined) return known;
    const { channel } = this;
    const bound = (queue instanceof BoundQueue ? queue.rebind(channel) : queue.bind(channel)) as BoundQueue<T>;
    this.#queues = [...this.#queues, bound];
    return bound;
  }

  /** Adds a callback. @throws InvalidOptionError while it is iterated over. */
  registerCallback(callback: MessageCallback<T>): void {
    if (typeof callback !== 'function') throw new InvalidOptionError('registerCallback: a function is needed');
    if (this.#consumption.isIterated) throw new InvalidOptionError(BOTH);
    this.#callbacks.push(callback);
  }

  /** Declares its queues, with their exchanges and bindings. `consume` does it too, unless `autoDeclare` is false. */
  async declare(options: CallOptions = {}): Promise<void> {
    checkCallOptions('declare', options);
    this.#consumption.checkOpen();
    void this.channel; // The queues are to be on it.
    for (const queue of this.#queues) await queue.declare(options);
  }

  /**
   * Starts to consume from every queue that is not consumed from yet; deliveries begin. Called again it starts only what is
   * new. When one queue cannot be consumed, none of the new ones is.
   *
   * @throws InvalidOptionError without a handler, unless it is iterated over: then it adds new queues to the loop.
   */
  async consume(options: ConsumeOptions = {}): Promise<void> {
    checkOptionNames('consume', options, CONSUME_OPTION_NAMES);
    const run = this.#consumption.run();
    if (!this.#consumption.isIterated) {
      if (!this.#hasHandler()) {
        throw new InvalidOptionError('consume: onMessage or callbacks are needed; or loop over the consumer instead');
      }
      run.handle(this.#handler(), this.#concurrency());
    }
    await this.#start(run, options);
  }

  /** One start after the other, so that none is started twice. */
  #start(run: ConsumerRun, { noAck, signal, timeoutMs }: ConsumeOptions): Promise<void> {
    const signals = [checkedSignal(signal, 'consume'), this.#options.signal].filter((one) => one !== undefined);
    const call = { timeoutMs, signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0] };
    return this.#inTurn(() => run.start(this.#queues as BoundQueue[], noAck, call));
  }

  #inTurn(start: () => Promise<void>): Promise<void> {
    const started = this.#starting.then(start);
    this.#starting = started.catch(() => {});
    return started;
  }

  #hasHandler(): boolean {
    return this.#onMessage !== undefined || this.#callbacks.length > 0;
  }

  #handler(): (message: Message) => unknown {
    const given: MessageHandler<T> = this.#onMessage ?? ((message) => this.receive(message.payload, message));
    const observer = this.#observer;
    if (observer === undefined) return given as (message: Message) => unknown;
    const handler: MessageHandler<T> = (message) => {
      observer();
      return given(message);
    };
    return handler as (message: Message) => unknown;
  }

  /** Calls `observer` before each call of the handler; to be said before `consume()`. @internal */
  observe(observer: () => void): void {
    this.#observer = observer;
  }

  #concurrency(): number {
    return this.#options.concurrency ?? (this.#consumption.prefetch || Number.POSITIVE_INFINITY);
  }

  /** Calls the callbacks, one after the other, each when the one before it has ended. */
  receive(body: T, message: Message<T>): void | Promise<void> {
    if (this.#callbacks.length === 0) throw new InvalidOptionError('receive: there are no callbacks');
    return this.#receiveFrom(0, body, message);
  }

  #receiveFrom(first: number, body: T, message: Message<T>): void | Promise<void> {
    for (let i = first; i < this.#callbacks.length; i++) {
      const result = this.#callbacks[i]?.(body, message);
      if (isThenable(result)) return Promise.resolve(result).then(() => this.#receiveFrom(i + 1, body, message));
    }
  }

  /** Whether it consumes from this queue. */
  consumingFrom(queue: string | { readonly name: string }): boolean {
    return this.#consumption.running?.intake.has(nameOf(queue)) ?? false;
  }

  /** Ends the consuming of one queue and forgets the queue. Messages in hand stay settleable. */
  async cancelByQueue(queue: string | { readonly name: string }): Promise<void> {
    const name = nameOf(queue);
    this.#queues = this.#queues.filter((one) => one.name !== name);
    this.#consumption.giveUp(name);
    await this.#consumption.running?.intake.end(name);
  }

  /**
   * Ends the consuming; `consume()` starts it again. What was not handed over goes back to the front of its queue, running
   * handlers go on, and messages in hand stay settleable.
   */
  async cancel(): Promise<void> {
    this.#consumption.giveUp();
    await this.#consumption.running?.intake.endAll();
  }

  /** Removes the ready messages from all its queues; resolves with how many. */
  async purge(options: CallOptions = {}): Promise<number> {
    checkCallOptions('purge', options);
    let count = 0;
    for (const queue of this.#queues) count += await queue.purge(options);
    return count;
  }

  /** With false no more messages are handed over (what is prefetched waits here) until it is called with true. */
  async flow(active: boolean): Promise<void> {
    this.#consumption.setFlow(active ? 'on' : 'off');
  }

  /**
   * Changes how many unsettled messages it holds; at once, also while it consumes. With `global` the limit holds for all
   * consumers of its channel together, too. @throws NotSupportedError for `global` where the transport has no such limit.
   */
  async qos(options: QosOptions): Promise<void> {
    checkOptionNames('qos', options, QOS_OPTION_NAMES);
    const { prefetchCount, global } = options;
    const prefetch = wholeNumber('qos', 'prefetchCount', prefetchCount, 0, 65_535) ?? this.#consumption.prefetch;
    if (global === true) await this.channel.setChannelPrefetch(prefetch);
    const set = this.#consumption.setPrefetch(prefetch);
    this.#consumption.running?.setConcurrency(this.#concurrency());
    await set;
  }

  /** Puts every unsettled message of its channel back on its queue. @throws NotSupportedError without `requeue`. */
  async recover(options: { requeue: true }): Promise<void> {
    if (options?.requeue !== true) throw new NotSupportedError('recover: only { requeue: true } is supported');
    await this.#consumption.running?.intake.recover();
  }

  /** Goes on with another channel: nothing is consumed until `consume()`. */
  revive(channel: Channel): void {
    this.#consumption.revive(channel);
  }

  /** Listens to an event. A listener that throws is logged and disturbs nobody. */
  on<K extends keyof ConsumerEvents>(event: K, listener: (payload: ConsumerEvents[K]) => void): this {
    this.#events.on(event, listener);
    return this;
  }

  /** Stops listening. */
  off<K extends keyof ConsumerEvents>(event: K, listener: (payload: ConsumerEvents[K]) => void): this {
    this.#events.off(event, listener);
    return this;
  }

  /** Listens once. */
  once<K extends keyof ConsumerEvents>(event: K, listener: (payload: ConsumerEvents[K]) => void): this {
    this.#events.once(event, listener);
    return this;
  }

  /**
   * Ends it: no more deliveries, running handlers may finish, what is not settled goes back to its queue. Idempotent. Called
   * from inside a handler it does not wait for that handler.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkOptionNames('close', options, CLOSE_OPTION_NAMES);
    return this.#consumption.close(milliseconds('close', 'drainMs', options.drainMs) ?? DEFAULT_DRAIN_MS);
  }

  /** The same as {@link Consumer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * The messages, one by one. Leaving the loop ends the consuming; what was prefetched goes back to the front of its queue.
   * The loop ends when the consumer is closed, and throws when nothing more can come.
   *
   * @throws InvalidOptionError when there is a handler.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>> {
    if (this.#hasHandler()) throw new InvalidOptionError(BOTH);
    return this.#consumption.iterate();
  }
}

function nameOf(queue: string | { readonly name: string }): string {
  return typeof queue === 'string' ? queue : queue.name;
}
