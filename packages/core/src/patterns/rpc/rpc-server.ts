import type { Connection } from '../../connection/connection.js';
import type { CallOptions } from '../../connection/deadlines.js';
import type { BoundQueue } from '../../entity/bound-queue.js';
import { Queue } from '../../entity/queue.js';
import { InvalidOptionError, KombuError } from '../../errors/index.js';
import type { Consumer } from '../../messaging/consumer.js';
import type { CloseOptions, ConsumerOptions } from '../../messaging/consumer-options.js';
import type { Message } from '../../messaging/message.js';
import type { Producer } from '../../messaging/producer.js';
import { checkOptionNames } from '../../util/check-options.js';
import { isBrokerError } from '../helpers/ignore-errors.js';
import { sendReply } from '../reply/send-reply.js';
import { ERROR_HEADER, errorBody } from './error-reply.js';

/** Answers a request: what it returns or resolves with is the reply. */
export type RpcHandler<T = unknown> = (payload: T, message: Message<T>) => unknown;

/** What an {@link RpcServer} is made with. */
export interface RpcServerOptions<T = unknown>
  extends CallOptions,
    Pick<ConsumerOptions<T>, 'accept' | 'prefetchCount' | 'concurrency' | 'autoDeclare' | 'tagPrefix'> {
  /** Serializer of the replies. Default: that of the request. */
  serializer?: string | undefined;
  /** Compression of the replies. Default: none. */
  compression?: string | undefined;
  /** How long sending a reply may take, in milliseconds, before the request goes back to its queue. Default 30000. */
  replyTimeoutMs?: number | undefined;
  /** Told of every error of a handler, which the caller gets too. */
  onError?: ((error: unknown, message: Message<T>) => unknown) | undefined;
}

const OPTIONS = new Set([
  'accept',
  'prefetchCount',
  'concurrency',
  'autoDeclare',
  'tagPrefix',
  'serializer',
  'compression',
  'replyTimeoutMs',
  'onError',
  'signal',
  'timeoutMs',
]);

/**
 * Answers requests of a queue: calls a handler with each, and sends what it returns, or the error it throws, to where the
 * request says. Made by `connection.rpcServer()`.
 *
 * - A request is acknowledged when its reply is on its way, so one that is lost with this process is answered by another: a
 *   handler may be called twice for one request.
 * - A caller that has gone does no harm; a request without reply-to is worked on and not answered.
 * - A request that cannot be decoded is answered with the error, and rejected.
 */
export class RpcServer<T = unknown> {
  readonly #handler: RpcHandler<T>;
  readonly #options: RpcServerOptions<T>;
  readonly #connection: Connection;
  readonly #consumer: Consumer<T>;
  readonly #producer: Producer;
  #closing: Promise<void> | undefined;

  /** @throws InvalidOptionError for an unknown option or a value of the wrong kind. */
  constructor(
    connection: Connection,
    queue: string | Queue<T> | BoundQueue<T>,
    handler: RpcHandler<T>,
    options: RpcServerOptions<T> = {},
  ) {
    checkOptionNames('rpcServer', options, OPTIONS);
    if (typeof handler !== 'function') throw new InvalidOptionError('rpcServer: a handler is needed');
    this.#handler = handler;
    this.#options = options;
    this.#connection = connection;
    const { serializer, compression, accept, prefetchCount, concurrency, autoDeclare, tagPrefix } = options;
    this.#producer = connection.producer({ serializer, compression });
    this.#consumer = connection.consumer<T>({
      queues: [typeof queue === 'string' ? new Queue<T>(queue) : queue],
      accept,
      prefetchCount,
      concurrency,
      autoDeclare,
      tagPrefix,
      onMessage: (message) => this.#answer(message),
      onDecodeError: (message, error) => this.#refuse(message, error),
    });
  }

  /** The consumer of the requests. */
  get consumer(): Consumer<T> {
    return this.#consumer;
  }

  /** Declares the queue and consumes from it. */
  start(options: CallOptions = {}): Promise<void> {
    return this.#consumer.consume(options);
  }

  async #answer(message: Message<T>): Promise<void> {
    let body: unknown;
    let headers: Record<string, string> = {};
    try {
      body = (await this.#handler(message.payload, message)) ?? null;
    } catch (error) {
      if (error === message.failure) throw error; // Cannot be decoded after all: comes to `#refuse`.
      this.#tell(error, message);
      body = errorBody(error);
      headers = { [ERROR_HEADER]: nameOf(error) };
    }
    await this.#reply(message, body, headers);
    if (!message.acknowledged) await message.ack();
  }

  async #refuse(message: Message<T>, error: KombuError): Promise<void> {
    this.#tell(error, message);
    await this.#reply(message, errorBody(error), { [ERROR_HEADER]: error.name }, 'json');
    if (!message.acknowledged) await message.reject();
  }

  #tell(error: unknown, message: Message<T>): void {
    const { logger } = this.#connection;
    logger.debug('a handler of requests failed', error);
    try {
      const told = this.#options.onError?.(error, message);
      if (told instanceof Promise) told.catch((second: unknown) => logger.error('onError threw', second));
    } catch (second) {
      logger.error('onError threw', second);
    }
  }

  /** A reply that cannot be written is told of; one that nobody waits for any more is dropped. */
  async #reply(
    message: Message<T>,
    body: unknown,
    headers: Record<string, string>,
    serializer?: string,
  ): Promise<void> {
    if (!message.properties.replyTo) return;
    const written = serializer ?? this.#options.serializer;
    const options = {
      headers,
      producer: this.#producer,
      retry: { maxRetries: REPLY_RETRIES },
      timeoutMs: this.#options.replyTimeoutMs ?? REPLY_TIMEOUT_MS,
      ...(written === undefined ? {} : { serializer: written }),
    };
    try {
      await sendReply('', message as Message, body, options);
    } catch (error) {
      if (KombuError.is(error, 'ERR_KOMBU_ENCODE') && headers[ERROR_HEADER] === undefined) {
        this.#tell(error, message);
        await this.#reply(message, errorBody(error), { [ERROR_HEADER]: error.name }, 'json');
        return;
      }
      const gone = isBrokerError(error) && KombuError.is(error) && !error.retryable;
      if (!gone && !KombuError.is(error, 'ERR_KOMBU_NO_ROUTE')) throw error;
      this.#connection.logger.warn('a reply could not be delivered', error);
    }
  }

  /** Ends it: no more requests, those that are worked on may be answered, the others go back. Idempotent. */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#consumer.close(options).finally(() => this.#producer.close());
    return this.#closing;
  }

  /** The same as {@link RpcServer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const REPLY_TIMEOUT_MS = 30_000;
const REPLY_RETRIES = 10;

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
