import { checkCallOptions } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import { type CallOptions, checkedTimeout } from '../connection/deadlines.js';
import { Loan } from '../connection/loan.js';
import type { ChannelPublishOptions } from '../connection/waiting-publishes.js';
import type { BoundExchange } from '../entity/bound-exchange.js';
import type { Exchange } from '../entity/exchange.js';
import { exchangeOf } from '../entity/make-binding.js';
import { type ChannelOrConnection, isChannel } from '../entity/target.js';
import { ClosedError, InvalidOptionError, KombuError, NotSupportedError, UndeliverableError } from '../errors/index.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import { checkedSchema } from '../schema/validate.js';
import type { MaybePromise } from '../transport/channel.js';
import type { Route, WireMessage } from '../transport/delivery.js';
import { checkedSignal } from '../util/abort.js';
import { checkOptionNames, flag, optionalFunction, text } from '../util/check-options.js';
import { checkedMessage } from './check-body.js';
import { declareAll, isDeclared, type MaybeDeclareOptions, maybeDeclare, retryPolicyOf } from './maybe-declare.js';
import { type EncodingDefaults, type PreparedMessage, prepareMessage } from './prepared-message.js';
import type { ProducerOptions, ReturnHandler } from './producer-options.js';
import { PublishLine } from './publish-line.js';
import { PublishRun } from './publish-many.js';
import { type Entity, PUBLISH_OPTION_NAMES, type PublishOptions } from './publish-options.js';
import { returnedMessage } from './returned-message.js';

export type { ProducerOptions, ReturnHandler } from './producer-options.js';

const OWNER = 'Producer';
const OPTIONS = new Set(['exchange', 'routingKey', 'serializer', 'compression', 'autoDeclare', 'onReturn', 'schema']);
const DEFAULT_TIMEOUT_MS = 30_000;
const NO_OPTIONS: PublishOptions = Object.freeze({});
/** What publish ends with when the broker has taken the message at once: awaiting it costs nothing. */
const TAKEN: Promise<void> = Promise.resolve();

/**
 * Publishes messages. Made with a Connection it has a channel of its own.
 *
 * Publishes that are not awaited are pipelined in the order of the calls; their promises have to be awaited or caught some
 * time, like any promise.
 */
export class Producer {
  readonly #connection: Connection;
  readonly #exchange: Exchange;
  readonly #routingKey: string;
  readonly #defaults: EncodingDefaults;
  readonly #autoDeclared: readonly Entity[];
  readonly #onReturn: ReturnHandler | undefined;
  readonly #schema: StandardSchema | undefined;
  readonly #line: PublishLine;
  /** How it goes back to its pool. @internal */
  readonly loan = new Loan();
  #channel: Channel;
  #ownership: 'own' | 'borrowed';
  #route: Route;
  /** The last publish that was not over at once: those before it are on their way when it is. */
  #last: Promise<void> = TAKEN;
  #unlisten: () => void;
  #closing: Promise<void> | undefined;

  /** @throws InvalidOptionError for an unknown option or a value of the wrong kind. */
  constructor(target: ChannelOrConnection, options: ProducerOptions = {}) {
    checkOptionNames(OWNER, options, OPTIONS);
    this.#ownership = isChannel(target) ? 'borrowed' : 'own';
    this.#channel = isChannel(target) ? target : target.channel();
    this.#connection = this.#channel.connection;
    this.#exchange = entityOf(options.exchange ?? '');
    this.#routingKey = text(OWNER, 'routingKey', options.routingKey, '');
    const { serializer, compression } = options;
    this.#defaults = { serializer, compression };
    const autoDeclare = flag(OWNER, 'autoDeclare', options.autoDeclare, true);
    this.#autoDeclared = autoDeclare && this.#exchange.isDeclarable ? [this.#exchange] : [];
    this.#schema = checkedSchema(OWNER, options.schema);
    this.#onReturn = optionalFunction(OWNER, 'onReturn', options.onReturn);
    this.#route = { exchange: this.#exchange.name, routingKey: this.#routingKey };
    this.#line = new PublishLine(this.#connection.clock);
    this.#unlisten = this.#listen();
  }

  /** Hears of returned messages whose publish the broker does not name. */
  #listen(): () => void {
    const onReturn = this.#onReturn;
    if (onReturn === undefined) return () => {};
    const { channel } = this;
    return channel.onReturned(async ({ message, exchange, routingKey, replyText }) => {
      const error = new UndeliverableError('NO_ROUTE', `the message came back: ${replyText}`);
      try {
        await onReturn(error, exchange, routingKey, returnedMessage(message, { exchange, routingKey }, channel));
      } catch (thrown) {
        this.#connection.emitError(thrown);
      }
    });
  }

  /** The connection that it publishes over. */
  get connection(): Connection {
    return this.#connection;
  }

  /** The channel that it publishes on. */
  get channel(): Channel {
    return this.#channel;
  }

  /** The exchange of messages that name none. */
  get exchange(): Exchange {
    return this.#exchange;
  }

  /** The routing key of messages that name none. */
  get routingKey(): string {
    return this.#routingKey;
  }

  /** The serializer of messages that name none. */
  get serializer(): string | undefined {
    return this.#defaults.serializer;
  }

  /** The compression of messages that name none. */
  get compression(): string | undefined {
    return this.#defaults.compression;
  }

  /**
   * Publishes a message. Resolves when the broker has taken it (confirmed, where it can confirm), after at most `timeoutMs` over
   * connecting, declaring and confirming together.
   *
   * Without `retry` a lost link rejects it with OperationalError. With `retry` what it declares is declared again and it is sent
   * again: nothing is lost, duplicates are possible.
   *
   * @throws EncodeError; ChannelError NOT_FOUND (no such exchange); UndeliverableError NO_ROUTE (mandatory), MESSAGE_TOO_LARGE;
   * BufferFullError; TimeoutError, whose `sent` says whether the message may have reached the broker; OperationalError;
   * AbortedError; ClosedError; InvalidOptionError; NotSupportedError (`immediate`).
   */
  publish(body: unknown, options: PublishOptions = NO_OPTIONS): Promise<void> {
    try {
      return this.#publish(body, options) ?? TAKEN;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #publish(body: unknown, options: PublishOptions): Promise<void> | undefined {
    if (this.#closing !== undefined) throw new ClosedError('the producer is closed');
    checkOptionNames('publish', options, PUBLISH_OPTION_NAMES);
    if (options.immediate) throw new NotSupportedError('publish: immediate is not supported by any broker any more');
    const { exchange } = options;
    const signal = checkedSignal(options.signal, 'publish');
    const named = typeof exchange === 'string';
    const declaration = named || exchange === undefined ? this.#exchange : entityOf(exchange);
    const name = named ? exchange : declaration.name;
    const mode = (declaration.name === name ? declaration.deliveryMode : undefined) ?? 2;
    const routingKey = text('publish', 'routingKey', options.routingKey, this.#routingKey);
    if (name === '' && routingKey === '') {
      throw new InvalidOptionError(
        "publish: name an exchange, or a queue as the 'routingKey' of the anonymous exchange",
      );
    }
    const route = this.#routeTo(name, routingKey, flag('publish', 'mandatory', options.mandatory, false));
    const encoded = prepareMessage(body, options, this.#defaults, mode, this.#connection.codec);
    const unchecked = options.declare === undefined && this.#schema === undefined;
    const prepared = unchecked ? encoded : checkedMessage(encoded, body, route, options, this.#schema);
    const limits: ChannelPublishOptions = {
      deadline: this.#deadline(options.timeoutMs),
      signal,
      retry: retryPolicyOf(options.retry),
    };
    const ready = !this.#line.isBusy && !(prepared instanceof Promise) && this.#isAllDeclared(options.declare);
    const taking = ready
      ? this.#channel.publish(prepared, route, limits)
      : this.#enterLine(prepared, route, limits, options.declare);
    if (taking === undefined) return undefined;
    this.#last = taking as Promise<void>;
    return route.mandatory === true && this.#onReturn !== undefined
      ? this.#returning(this.#last, prepared, route, this.#onReturn)
      : this.#last;
  }

  /** The same object as the last time where it goes the same way. */
  #routeTo(exchange: string, routingKey: string, mandatory: boolean): Route {
    const last = this.#route;
    if (last.exchange === exchange && last.routingKey === routingKey && (last.mandatory === true) === mandatory)
      return last;
    this.#route = mandatory ? { exchange, routingKey, mandatory } : { exchange, routingKey };
    return this.#route;
  }

  #deadline(given: number | undefined): number | undefined {
    const timeoutMs = given === undefined ? DEFAULT_TIMEOUT_MS : checkedTimeout(given, 'publish');
    return timeoutMs === undefined ? undefined : this.#connection.clock.monotonic() + timeoutMs;
  }

  #isAllDeclared(declare: readonly Entity[] | undefined): boolean {
    for (const entity of this.#autoDeclared) if (!isDeclared(entity, this.#channel)) return false;
    if (declare === undefined) return true;
    if (!Array.isArray(declare))
      throw new InvalidOptionError("publish: 'declare' must be a list of exchanges and queues");
    for (const entity of declare) if (!isDeclared(entity, this.#channel)) return false;
    return true;
  }

  #enterLine(
    prepared: MaybePromise<PreparedMessage>,
    route: Route,
    limits: ChannelPublishOptions,
    declare: readonly Entity[] = [],
  ): Promise<void> {
    const entities = [...this.#autoDeclared, ...declare];
    return this.#line.enter(
      prepared,
      { deadline: limits.deadline, signal: limits.signal },
      (signal) => declareAll(entities, this.#channel, { signal }, limits.retry),
      (message) => this.#channel.publish(message, route, limits),
    );
  }

  async #returning(
    taking: Promise<void>,
    prepared: MaybePromise<WireMessage>,
    route: Route,
    onReturn: ReturnHandler,
  ): Promise<void> {
    try {
      await taking;
    } catch (error) {
      if (!KombuError.is(error, 'ERR_KOMBU_NO_ROUTE')) throw error;
      const message = returnedMessage(await prepared, route, this.#channel);
      await onReturn(error as UndeliverableError, route.exchange, route.routingKey, message);
    }
  }

  /**
   * Publishes many messages, pipelined, at most 1000 in flight. `options` (and its `timeoutMs`) hold for each of them. Resolves
   * when all are taken.
   *
   * @throws PublishManyError (NOT_PUBLISHED, an AggregateError) when some were not: its `errors` say why and its `indexes` which. AbortedError.
   */
  async publishMany(
    bodies: Iterable<unknown> | AsyncIterable<unknown>,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<void> {
    checkOptionNames('publishMany', options, PUBLISH_OPTION_NAMES);
    const publish = (body: unknown) => this.publish(body, options);
    return new PublishRun(publish, TAKEN, this.#connection.clock, options.signal).all(bodies);
  }

  /** Declares the default exchange. `publish` does it too, unless `autoDeclare` is false. */
  async declare(options: CallOptions = {}): Promise<void> {
    checkCallOptions('declare', options);
    if (this.#exchange.isDeclarable) await declareAll([this.#exchange], this.#channel, options, undefined);
  }

  /** Declares an exchange or a queue, unless that was done on the current link already. Resolves with whether it was needed. */
  maybeDeclare(entity: Entity, options?: MaybeDeclareOptions): Promise<boolean> {
    return maybeDeclare(entity, this.#channel, options);
  }

  /** Goes on with another channel. One of its own is closed. */
  revive(channel: Channel): void {
    const before = this.#channel;
    if (this.#ownership === 'own') {
      const closed = this.#line.idle.then(() => before.close());
      closed.catch((error: unknown) => this.#connection.emitError(error));
    }
    this.#ownership = 'borrowed';
    this.#unlisten();
    this.#channel = channel;
    this.#unlisten = this.#listen();
  }

  /** Ends it: what was published goes out first, within its own time, then its own channel is closed. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#line.idle;
    await this.#last.catch(() => {}); // Whoever called publish is told.
    this.#unlisten();
    if (this.#ownership === 'own') await this.#channel.close();
  }

  /** Gives it back to the pool that it came from; else the same as `close`. */
  release(): Promise<void> {
    return this.loan.release() ?? this.close();
  }

  /** The same as {@link Producer.release}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

function entityOf(exchange: Exchange | BoundExchange | string): Exchange {
  return typeof exchange === 'object' && 'entity' in exchange ? exchange.entity : exchangeOf(OWNER, exchange);
}
