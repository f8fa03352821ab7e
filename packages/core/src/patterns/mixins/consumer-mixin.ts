import type { Channel } from '../../connection/channel.js';
import type { Connection } from '../../connection/connection.js';
import { checkedTimeout, sleep } from '../../connection/deadlines.js';
import { type KombuError, TimeoutError } from '../../errors/index.js';
import { Consumer } from '../../messaging/consumer.js';
import type { Message } from '../../messaging/message.js';
import { throwIfAborted } from '../../util/abort.js';
import { milliseconds, wholeNumber } from '../../util/check-options.js';
import { TokenBucket } from '../counters/token-bucket.js';
import { isBrokerError } from '../helpers/ignore-errors.js';
import type {
  AnyConsumer,
  ConsumerContext,
  ConsumerFactory,
  ExtraContext,
  MixinConsumeOptions,
} from './consume-options.js';
import { Turns } from './turns.js';

const WHAT = 'consuming';
const SAFETY_INTERVAL_MS = 1000;

/**
 * The frame of a program that consumes: says what to consume from, and `run()` does the rest, until `shouldStop` is true. It
 * works over a clone of its connection.
 *
 * A lost link is replaced by the connection, consumers and all (`onConnectionError`, `onConnectionRevived`). When a consumer
 * cannot go on, because its queue was deleted or the link does not come back, everything is set up anew, at most as often as
 * `restartLimit` allows.
 *
 * @example
 * ```ts
 * class Worker extends ConsumerMixin {
 *   constructor(readonly connection: Connection) {
 *     super();
 *   }
 *   getConsumers(consumer: ConsumerFactory) {
 *     return [consumer({ queues: [new Queue('tasks')], onMessage: (message) => message.ack() })];
 *   }
 * }
 * await new Worker(connection).run();
 * ```
 */
export abstract class ConsumerMixin {
  /** The connection that is cloned. */
  abstract readonly connection: Connection;
  /** How often reconnecting is tried again before `run` ends in OperationalError. Default: for ever. */
  connectMaxRetries: number | undefined = undefined;
  /** How often everything may be set up anew: once a second unless it is replaced. */
  restartLimit: TokenBucket = new TokenBucket(1);
  #stop = false;
  #turns: Turns | undefined;

  /** Says what to consume from: consumers made with `consumer`, which are on `channel`, or others on channels of their own. */
  abstract getConsumers(
    consumer: ConsumerFactory,
    channel: Channel,
  ): readonly AnyConsumer[] | Promise<readonly AnyConsumer[]>;

  /** True ends `run` and `consume`: running handlers finish, the rest goes back. */
  get shouldStop(): boolean {
    return this.#stop;
  }
  set shouldStop(stop: boolean) {
    this.#stop = stop;
    this.#turns?.wake();
  }

  /** The link is lost or cannot be made; it is tried again in `intervalMs`. Default: it is logged. */
  onConnectionError(error: KombuError, intervalMs: number): void {
    this.connection.logger.warn(`connection error, trying again in ${Math.round(intervalMs)} ms`, error);
  }

  /** There is a link, the first or a new one. */
  onConnectionRevived(): void {}

  /** The consumers are at work. `options` are those of `run` or `consume`. */
  onConsumeReady(
    _connection: Connection,
    _channel: Channel,
    _consumers: readonly Consumer[],
    _options: MixinConsumeOptions,
  ): void | Promise<void> {}

  /** The consumers have ended. */
  onConsumeEnd(_connection: Connection, _channel: Channel): void | Promise<void> {}

  /** Called after each message that was handed over, and at least every `safetyIntervalMs`. */
  onIteration(): void {}

  /** A message may not or cannot be decoded. Default: it is logged and rejected. A consumer's own `onDecodeError` goes before. */
  onDecodeError(message: Message, error: KombuError): unknown {
    this.connection.logger.error('a message cannot be decoded', error);
    return message.reject();
  }

  /** What is to be there while the consumers are: it is disposed of when they end. */
  extraContext(_connection: Connection, _channel: Channel): ExtraContext | Promise<ExtraContext> {}

  /** The clone to work over. */
  createConnection(): Connection {
    const { connectMaxRetries: maxRetries } = this;
    return this.connection.clone(maxRetries === undefined ? {} : { reconnect: { maxRetries } });
  }

  /** A clone that is connected, however often that has to be tried. */
  async establishConnection(signal?: AbortSignal): Promise<Connection> {
    const connection = this.createConnection();
    const onError = (error: KombuError, intervalMs: number): void => this.onConnectionError(error, intervalMs);
    connection.on('reconnecting', ({ error, delayMs }) => onError(error, delayMs));
    connection.on('revived', () => this.onConnectionRevived());
    try {
      await connection.ensureConnection({ maxRetries: this.connectMaxRetries, onError, signal });
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.onConnectionRevived();
    return connection;
  }

  /**
   * Consumes until `shouldStop` is true, or `limit` messages came, or the time is over; sets everything up anew after errors of
   * the link and of channels.
   *
   * @throws TimeoutError, AbortedError; OperationalError when the link does not come back; what `getConsumers` and the hooks throw.
   */
  async run(options: MixinConsumeOptions = {}): Promise<void> {
    let left = wholeNumber('run', 'limit', options.limit, 0) ?? Number.POSITIVE_INFINITY;
    while (!this.#stop && left > 0) {
      const waitMs = this.restartLimit.expectedTime();
      if (!this.restartLimit.canConsume()) {
        await sleep(waitMs, this.connection.clock, 'run', { signal: options.signal });
        continue;
      }
      try {
        const limit = Number.isFinite(left) ? left : undefined;
        for await (const _ of this.consume({ ...options, limit })) left--;
        return;
      } catch (error) {
        if (!isBrokerError(error) || error instanceof Unconnected)
          throw error instanceof Unconnected ? error.why : error;
        this.connection.logger.warn('consuming ended; it is begun anew', error);
      }
    }
  }

  /** Sets consumers up and yields after each message that they were handed. The loop ends them. Throws what ends them otherwise. */
  async *consume(options: MixinConsumeOptions = {}): AsyncGenerator<void, void, undefined> {
    const { signal } = options;
    const limit = wholeNumber('consume', 'limit', options.limit, 0) ?? Number.POSITIVE_INFINITY;
    const timeoutMs = checkedTimeout(options.timeoutMs, WHAT) ?? Number.POSITIVE_INFINITY;
    const safetyMs = milliseconds('consume', 'safetyIntervalMs', options.safetyIntervalMs, 1) ?? SAFETY_INTERVAL_MS;
    const { clock } = this.connection;
    const turns = new Turns(clock);
    const context = await this.#open(options, turns, limit);
    this.#turns = turns;
    try {
      let since = clock.monotonic();
      for (let count = 0; count < limit && !this.#stop; ) {
        this.onIteration();
        const idleMs = timeoutMs - (clock.monotonic() - since);
        if (await turns.next({ timeoutMs: Math.max(0, Math.min(safetyMs, idleMs)), signal }, WHAT)) {
          count++;
          since = clock.monotonic();
          yield;
        } else if (clock.monotonic() - since >= timeoutMs) {
          throw new TimeoutError(`${WHAT}: no message came within ${timeoutMs} ms`);
        }
      }
    } finally {
      this.#turns = undefined;
      await context[Symbol.asyncDispose]();
    }
  }

  /** Sets consumers up, for code with a loop of its own; disposing of the result ends them. */
  consumerContext(options: MixinConsumeOptions = {}): Promise<ConsumerContext> {
    return this.#open(options, new Turns(this.connection.clock), Number.POSITIVE_INFINITY);
  }

  async #open(options: MixinConsumeOptions, turns: Turns, limit: number): Promise<ConsumerContext> {
    throwIfAborted(options.signal, WHAT);
    const ends: (() => unknown)[] = [];
    const end = async (): Promise<void> => {
      for (let step = ends.pop(); step !== undefined; step = ends.pop()) await step();
    };
    try {
      const connection = await this.establishConnection(options.signal).catch((error) => {
        throw isBrokerError(error) ? new Unconnected(error) : error;
      });
      ends.push(() => connection.close());
      const channel = connection.defaultChannel;
      const factory: ConsumerFactory = (o) =>
        new Consumer(channel, {
          onDecodeError: (message, error) => this.onDecodeError(message as Message, error),
          ...o,
        });
      const consumers: readonly Consumer[] = await this.getConsumers(factory, channel);
      ends.push(() => this.onConsumeEnd(connection, channel));
      for (const consumer of consumers) {
        ends.push(() => consumer.close());
        consumer.on('cancelled', ({ error }) => turns.fail(error));
        consumer.on('closed', ({ error }) => error !== undefined && turns.fail(error));
      }
      this.#count(consumers, turns, limit);
      const call = { signal: options.signal };
      for (const consumer of consumers) await consumer.consume(call);
      const extra = await this.extraContext(connection, channel);
      if (extra !== undefined) ends.push(() => dispose(extra));
      await this.onConsumeReady(connection, channel, consumers, options);
      return { connection, channel, consumers, [Symbol.asyncDispose]: end };
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** Counts what is handed over; after `limit` messages nothing more is. */
  #count(consumers: readonly Consumer[], turns: Turns, limit: number): void {
    let count = 0;
    for (const consumer of consumers) {
      consumer.observe(() => {
        count++;
        if (count >= limit) for (const one of consumers) void one.flow(false);
        turns.delivered();
      });
    }
  }
}

/** Carries the error that there is no link, so that it is not taken for one of a consumer. */
class Unconnected extends Error {
  readonly why: unknown;

  constructor(why: unknown) {
    super('there is no link to the broker', { cause: why });
    this.why = why;
  }
}

async function dispose(extra: AsyncDisposable | Disposable): Promise<void> {
  if (Symbol.asyncDispose in extra) await extra[Symbol.asyncDispose]();
  else extra[Symbol.dispose]();
}
