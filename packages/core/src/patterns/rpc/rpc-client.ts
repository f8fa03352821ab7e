import { checkCallOptions } from '../../connection/call-options.js';
import type { Channel } from '../../connection/channel.js';
import type { Connection } from '../../connection/connection.js';
import { type CallOptions, withDeadline } from '../../connection/deadlines.js';
import { BoundQueue } from '../../entity/bound-queue.js';
import { Queue } from '../../entity/queue.js';
import { ClosedError, InvalidOptionError, TimeoutError } from '../../errors/index.js';
import type { Consumer } from '../../messaging/consumer.js';
import type { Producer } from '../../messaging/producer.js';
import { PUBLISH_OPTION_NAMES, type PublishOptions } from '../../messaging/publish-options.js';
import { waitOrAbort } from '../../util/abort.js';
import { checkOptionNames, milliseconds } from '../../util/check-options.js';
import { uuid } from '../../util/id.js';
import { ignoreErrors } from '../helpers/ignore-errors.js';
import { errorOf } from './error-reply.js';
import { PendingCalls } from './pending-calls.js';

/** What an {@link RpcClient} is made with. */
export interface RpcClientOptions {
  /** The longest that a call may take, in milliseconds, unless it says otherwise. Default 30000. */
  timeoutMs?: number | undefined;
  /** Serializer of the requests. Default: objects are json, a string is `text/plain`, bytes are `application/data`. */
  serializer?: string | undefined;
  /** Compression of the requests. Default: none. */
  compression?: string | undefined;
  /** The content types of replies that are taken; see `ConsumerOptions.accept`. */
  accept?: readonly string[] | undefined;
  /** How long the reply queue outlives this process, in milliseconds. Default 60000. */
  replyQueueExpiresMs?: number | undefined;
}

/** What a call takes besides its body. */
export interface RpcCallOptions
  extends CallOptions,
    Omit<PublishOptions, 'replyTo' | 'correlationId' | 'mandatory' | 'immediate' | 'timeoutMs' | 'signal'> {}

const OPTIONS = new Set(['timeoutMs', 'serializer', 'compression', 'accept', 'replyQueueExpiresMs']);
const NOT_IN_CALL = ['replyTo', 'correlationId', 'mandatory', 'immediate'];
const CALL_NAMES = new Set([...PUBLISH_OPTION_NAMES].filter((name) => !NOT_IN_CALL.includes(name)));
const DEFAULT_TIMEOUT_MS = 30_000;
const REPLY_QUEUE_EXPIRES_MS = 60_000;

/**
 * Asks other processes and waits for their answers. It has one reply queue for all its calls, which may be any number at once;
 * replies find their call by a correlation id. Made by `connection.rpcClient()`; it does nothing until the first call.
 *
 * The requests are plain messages with `reply-to` and `correlation-id`: whoever answers to that, in any language, can be asked.
 */
export class RpcClient {
  readonly #connection: Connection;
  readonly #timeoutMs: number;
  readonly #pending = new PendingCalls();
  readonly #producer: Producer;
  readonly #replies: Queue;
  readonly #consumer: Consumer;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws InvalidOptionError for an unknown option or a value of the wrong kind. */
  constructor(connection: Connection, options: RpcClientOptions = {}) {
    checkOptionNames('rpcClient', options, OPTIONS);
    this.#connection = connection;
    this.#timeoutMs = milliseconds('rpcClient', 'timeoutMs', options.timeoutMs, 1) ?? DEFAULT_TIMEOUT_MS;
    const { serializer, compression, accept } = options;
    this.#producer = connection.producer({ serializer, compression });
    this.#replies = new Queue(`reply.${uuid()}`, {
      expiresMs: options.replyQueueExpiresMs ?? REPLY_QUEUE_EXPIRES_MS,
    });
    this.#consumer = connection.consumer({
      queues: [this.#replies],
      noAck: true,
      prefetchCount: 0,
      accept,
      onMessage: (reply) => {
        if (!this.#pending.take(reply)) connection.logger.debug('a reply came that nobody waits for');
      },
      onDecodeError: (reply, error) => this.#pending.fail(reply, error),
    });
  }

  /** The name of its reply queue. */
  get replyTo(): string {
    return this.#replies.name;
  }

  /** How many calls wait for their reply. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Declares the reply queue and consumes from it; the first call does it, too. */
  async start(options: CallOptions = {}): Promise<void> {
    checkCallOptions('start', options);
    if (this.#starting === undefined) {
      const starting = this.#consumer.consume(options);
      this.#starting = starting;
      // What failed is tried again by the next call.
      starting.catch(() => {
        this.#starting = undefined;
      });
    }
    await this.#starting;
  }

  /**
   * Asks, and resolves with the payload of the reply. A Queue is declared first and reached the way it is bound; a name is that
   * of a queue which is there, or a routing key where `exchange` is given.
   *
   * The request is taken out of its queue when the call is over by its time.
   *
   * @throws RemoteError, what the handler there threw; TimeoutError; AbortedError; UndeliverableError NO_ROUTE (no such queue, where the broker can tell);
   * ClosedError; DecodeError, ContentDisallowed (the reply); what `publish` throws.
   */
  async call<R = unknown>(
    target: string | Queue | BoundQueue,
    body: unknown,
    options: RpcCallOptions = {},
  ): Promise<R> {
    checkOptionNames('call', options, CALL_NAMES);
    const { timeoutMs = this.#timeoutMs, signal, ...publish } = options;
    if (this.#closing !== undefined) throw closedError();
    const what = `calling '${nameOf(target)}'`;
    return withDeadline({ timeoutMs, signal }, this.#connection.clock, what, async (limit) => {
      await this.#started(limit);
      const correlationId = uuid();
      const reply = this.#pending.add(correlationId);
      try {
        await this.#producer.publish(body, {
          ...routeTo(target, publish),
          replyTo: this.#replies.name,
          correlationId,
          mandatory: knowsItsQueues(this.#connection),
          signal: limit,
          timeoutMs: Number.POSITIVE_INFINITY,
          ...(Number.isFinite(timeoutMs) ? { expirationMs: publish.expirationMs ?? timeoutMs } : {}),
        });
        const message = await waitOrAbort(reply, limit, what);
        const error = errorOf(message);
        if (error !== undefined) throw error;
        return message.payload as R;
      } finally {
        this.#pending.forget(correlationId);
      }
    });
  }

  /** The first call may be given up while others wait for the same start. */
  async #started(signal: AbortSignal | undefined): Promise<void> {
    await waitOrAbort(this.start(), signal, 'starting to consume replies');
  }

  /** Ends it: calls that wait get ClosedError, the reply queue is deleted. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await undefined; // From here on `call` refuses.
    this.#pending.end(closedError());
    await this.#producer.close();
    await this.#consumer.close({ drainMs: 0 });
    if (this.#starting === undefined || this.#connection.state !== 'connected') return;
    const channel: Channel = this.#connection.defaultChannel;
    const limit = { timeoutMs: REPLY_QUEUE_DELETE_MS };
    await ignoreErrors(this.#connection, () => channel.deleteQueue(this.#replies.name, limit)).catch((error) => {
      if (!TimeoutError.is(error)) throw error; // It expires by itself.
    });
  }

  /** The same as {@link RpcClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** How long the broker may take to delete the reply queue before it is left to expire. */
const REPLY_QUEUE_DELETE_MS = 5000;

/**
 * Whether the broker can tell that a queue is not there. Where queues are only what somebody has stored, a program of another
 * language may wait at one that nothing was ever put into.
 */
function knowsItsQueues({ capabilities }: Connection): boolean {
  return capabilities.mandatory && (capabilities.exchangeTypes === 'any' || capabilities.scope === 'process');
}

function routeTo(target: string | Queue | BoundQueue, o: PublishOptions): PublishOptions {
  if (typeof target === 'string') return { ...o, routingKey: o.routingKey ?? target };
  const { exchange, routingKey } = target instanceof BoundQueue ? target.entity : target;
  const declare = [target, ...(o.declare ?? [])];
  const direct = exchange.name === '';
  return { exchange, routingKey: direct ? target.name : routingKey, ...o, declare };
}

function nameOf(target: string | Queue | BoundQueue): string {
  if (typeof target === 'string') return target;
  if (target instanceof Queue || target instanceof BoundQueue) return target.name;
  throw new InvalidOptionError('call: a queue or its name is needed');
}

function closedError(): ClosedError {
  return new ClosedError('the client is closed');
}
