import type { CodecSet } from '../codec/codec-set.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import type { Queue } from '../entity/queue.js';
import { ClosedError } from '../errors/index.js';
import { Consumer } from '../messaging/consumer.js';
import type { ConsumerOptions } from '../messaging/consumer-options.js';
import { Producer, type ProducerOptions } from '../messaging/producer.js';
import { SimpleBuffer, SimpleQueue, type SimpleQueueOptions } from '../messaging/simple-queue.js';
import {
  type ChannelPool,
  type ConnectionPool,
  channelPool,
  connectionPool,
} from '../patterns/pools/connection-pool.js';
import { RpcClient, type RpcClientOptions } from '../patterns/rpc/rpc-client.js';
import { type RpcHandler, RpcServer, type RpcServerOptions } from '../patterns/rpc/rpc-server.js';
import { checkOptionNames, milliseconds } from '../util/check-options.js';
import type { Clock } from '../util/clock.js';
import type { Logger } from '../util/logger.js';
import { assembleConnection } from './assemble.js';
import type { Brokers } from './brokers.js';
import { checkCallOptions } from './call-options.js';
import { Channel } from './channel.js';
import type { ConnectionEvents } from './connection-events.js';
import { ConnectionFacts } from './connection-facts.js';
import type { ConnectionCore, ConnectionPart } from './core.js';
import { type CallOptions, withDeadline } from './deadlines.js';
import { type EnsureContext, ensureCall, ensureLink, ensureOnOwnChannel } from './ensure.js';
import { Loan } from './loan.js';
import type { ConnectionOptions } from './options.js';
import type { RetryPolicy } from './retry.js';

/** How long `close()` waits for handlers that are running. */
const DRAIN_MS = 30_000;
const CLOSE_OPTIONS = new Set(['drainMs']);

/**
 * A connection to a broker. It connects when it is first used (or by `connect()`), and from then on owns its link: a lost one is
 * replaced, with everything that was declared and consumed, while calls wait.
 *
 * ```ts
 * await using connection = new Connection('redis://localhost:6379/0');
 * ```
 */
export class Connection<O extends object = object> extends ConnectionFacts {
  /** Where the connection writes what it has to say. */
  readonly logger: Logger;
  /** How bodies become bytes and back. */
  readonly codec: CodecSet;
  /** Where time comes from. */
  readonly clock: Clock;
  readonly #urls: string | readonly string[] | undefined;
  readonly #options: ConnectionOptions<O>;
  readonly #brokers: Brokers;
  readonly #core: ConnectionCore;
  /** How it goes back to its pool. @internal */
  readonly loan = new Loan();
  #channels = 0;
  #defaultChannel: Channel | undefined;

  /**
   * Checks its arguments and does nothing else: no I/O.
   *
   * @param url one URL, several joined with `;`, or an array of them. Default `amqp://guest:guest@localhost:5672//`.
   * @throws InvalidOptionError for a URL that cannot be read, an unknown scheme, option or parameter (it says which may be meant).
   */
  constructor(url?: string | readonly string[], options: ConnectionOptions<O> = {}) {
    const made = assembleConnection(url, options as ConnectionOptions);
    super(made.core, made.brokers, { url: typeof url === 'object' ? url.join(';') : url, options });
    this.#urls = url;
    this.#options = options;
    this.logger = made.logger;
    this.clock = made.clock;
    this.codec = made.codec;
    this.#brokers = made.brokers;
    this.#core = made.core;
  }

  /**
   * Connects now, trying each URL once; else the first use does. Resolves with the connection itself.
   *
   * @throws OperationalError when no broker can be reached, AuthenticationError when it refuses the credentials, ClosedError,
   * TimeoutError, AbortedError, InvalidOptionError for options that only the transport knows.
   */
  async connect(o?: CallOptions): Promise<this> {
    checkCallOptions('connect', o);
    await withDeadline(o, this.clock, 'connect', (signal) => this.#core.acquire(signal));
    return this;
  }

  /** A new channel. It opens itself on first use. */
  channel(): Channel {
    if (this.state === 'closed') throw new ClosedError('the connection is closed');
    return new Channel(this, ++this.#channels, this.#core);
  }

  /** The channel that is used where a connection is passed instead of one. */
  get defaultChannel(): Channel {
    if (this.#defaultChannel?.state === 'closed') this.#defaultChannel = undefined;
    this.#defaultChannel ??= this.channel();
    return this.#defaultChannel;
  }

  /**
   * Connects, trying again and again: by default for ever, with random waits of up to 2 s growing to 30 s.
   *
   * @throws OperationalError with the last error as its `cause`; AuthenticationError at once; AbortedError.
   */
  async ensureConnection(policy?: RetryPolicy): Promise<this> {
    await ensureLink(this.#core, policy);
    return this;
  }

  /**
   * Calls `fn` with the channel to use, again after every error of the link, and returns what it returns. By default for ever,
   * with random waits of up to 1 s. `fn` may have done its work more than once.
   *
   * @throws OperationalError with the last error as its `cause`; what `fn` throws, where trying again is of no use.
   */
  ensure<T>(fn: (o: EnsureContext) => T | Promise<T>, policy?: RetryPolicy): Promise<T> {
    return ensureCall(this.#core, () => this.defaultChannel, fn, policy, 'ensure');
  }

  /** Like {@link Connection.ensure}, on a channel of its own, which is returned with the result: close it afterwards. */
  autoretry<T>(fn: (o: EnsureContext) => T | Promise<T>, policy?: RetryPolicy): Promise<[T, Channel]> {
    return ensureOnOwnChannel(this.#core, () => this.channel(), fn, policy);
  }

  /**
   * For code that polls: resolves when a delivery, on any channel, was handed over since the previous `drainEvents` or since
   * a consumer was started. Deliveries come without it, too.
   *
   * @throws TimeoutError when there was none in `timeoutMs`; ClosedError; OperationalError when the link is not replaced.
   */
  async drainEvents(o: CallOptions = {}): Promise<void> {
    checkCallOptions('drainEvents', o);
    this.#core.assertOpen();
    await this.#core.drain.drain(o, this.clock, this.#core.keepAlive);
  }

  /** A producer on a channel of its own. */
  producer(o?: ProducerOptions): Producer {
    return new Producer(this, o);
  }

  /** A consumer on a channel of its own. It does nothing until its `consume()` or the first turn of a `for await` loop. */
  consumer<T = unknown>(o: ConsumerOptions<T>): Consumer<T> {
    return new Consumer<T>(this, o);
  }

  /** A queue to put into and get from one at a time, declared with its exchange when it is first used. */
  simpleQueue<T = unknown>(nameOrQueue: string | Queue<T>, o?: SimpleQueueOptions<T>): SimpleQueue<T> {
    return new SimpleQueue<T>(this, nameOrQueue, o);
  }

  /** Like {@link Connection.simpleQueue}, for what need not last: transient, auto-delete and without acknowledgements. */
  simpleBuffer<T = unknown>(nameOrQueue: string | Queue<T>, o?: SimpleQueueOptions<T>): SimpleBuffer<T> {
    return new SimpleBuffer<T>(this, nameOrQueue, o);
  }

  /** Asks other processes and waits for their answers. It does nothing until its first call. */
  rpcClient(options?: RpcClientOptions): RpcClient {
    return new RpcClient(this as Connection, options);
  }

  /**
   * Answers the requests of a queue: what `handler` returns, or the error it throws, goes to the caller. Resolves when it
   * consumes.
   */
  async rpcServer<T = unknown>(
    queue: string | Queue<T> | BoundQueue<T>,
    handler: RpcHandler<T>,
    options: RpcServerOptions<T> = {},
  ): Promise<RpcServer<T>> {
    const server = new RpcServer<T>(this as Connection, queue, handler, options);
    try {
      await server.start({ signal: options.signal, timeoutMs: options.timeoutMs });
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** Connections like this one, to be used one at a time; at most `limit` of them (0, the default: no limit). */
  pool(limit?: number): ConnectionPool {
    return connectionPool(this as Connection, limit);
  }

  /** Channels of this connection, to be used one at a time; at most `limit` of them (0, the default: no limit). */
  channelPool(limit?: number): ChannelPool {
    return channelPool(this as Connection, limit);
  }

  /** Calls `listener` at every such event. An `error` that nobody listens to is nothing. */
  on<K extends keyof ConnectionEvents>(event: K, listener: (payload: ConnectionEvents[K]) => void): this {
    this.#core.emitter.on(event, listener);
    return this;
  }

  /** Calls `listener` at the next such event only. */
  once<K extends keyof ConnectionEvents>(event: K, listener: (payload: ConnectionEvents[K]) => void): this {
    this.#core.emitter.once(event, listener);
    return this;
  }

  /** Calls `listener` no more. */
  off<K extends keyof ConnectionEvents>(event: K, listener: (payload: ConnectionEvents[K]) => void): this {
    this.#core.emitter.off(event, listener);
    return this;
  }

  /** A connection of its own with the same settings, or others where `over` has them. */
  clone(over: ConnectionOptions<O> & { readonly url?: string | readonly string[] } = {}): Connection<O> {
    const { url = this.#urls, ...options } = over;
    return new Connection<O>(url, { ...this.#options, ...options });
  }

  /**
   * Uses another URL (or list) from now on. The link to the old broker is closed and no new one is made: the next use does, and
   * then what was declared and consumed comes back there.
   */
  switch(url: string | readonly string[]): void {
    this.#core.assertOpen();
    this.#brokers.switchTo(url);
    this.#core.switchLink();
  }

  /** Goes on to the next URL of the failover list, like {@link Connection.switch}; undefined when there is no other. */
  maybeSwitchNext(): string | undefined {
    this.#core.assertOpen();
    if (this.#brokers.failover.length < 2) return undefined;
    this.#brokers.failover.next();
    this.#core.switchLink();
    return this.asUri();
  }

  /** Drops the link, channels, consumers and declarations at once, without I/O. The connection can be used anew. */
  collect(): void {
    this.#core.assertOpen();
    this.#core.collect();
  }

  /** Gives the connection back to its pool, or closes it when it is of none. */
  release(): Promise<void> {
    return this.loan.release() ?? this.close();
  }

  /**
   * Closes: no more deliveries are taken, calls that wait end with ClosedError, handlers that run finish (for up to `drainMs`,
   * default 30 s; called from inside a handler, not that one), unsettled messages go back to their queues, what is pending is
   * flushed. Idempotent; all calls share one end.
   */
  close(o: { readonly drainMs?: number } = {}): Promise<void> {
    checkOptionNames('close', o, CLOSE_OPTIONS);
    return this.#core.close(milliseconds('close', 'drainMs', o.drainMs) ?? DRAIN_MS);
  }

  /** Gives it back to its pool or closes it: `await using` calls it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Emits `error`; never throws. @internal */
  emitError(error: unknown): void {
    this.#core.emitError(error);
  }

  /** Has `part` closed before the connection is; returns how to take that back. @internal */
  track(part: ConnectionPart): () => void {
    return this.#core.track(part);
  }
}
