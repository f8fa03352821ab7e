import { CALL_OPTION_NAMES } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import type { CallOptions } from '../connection/deadlines.js';
import { NO_DEFAULTS, PreparedMessage, prepareMessage } from '../messaging/prepared-message.js';
import { MESSAGE_OPTION_NAMES, type MessageOptions } from '../messaging/publish-options.js';
import type { MaybePromise } from '../transport/channel.js';
import { checkOptionNames } from '../util/check-options.js';
import { frozenArguments } from './arguments.js';
import { Binding, type BindingOptions } from './binding.js';
import type { Exchange } from './exchange.js';
import { callOptions, NOWAIT_OPTION_NAMES, type NowaitOptions, unlessNowait } from './nowait.js';

/** How an exchange is declared. */
export interface DeclareExchangeOptions extends CallOptions, NowaitOptions {
  /** Only check that it is there: ChannelError NOT_FOUND when not. Default: as the exchange says. */
  passive?: boolean | undefined;
}

/** How an exchange is bound to another one, or unbound. */
export interface BindExchangeOptions extends CallOptions, NowaitOptions {
  /** The binding key. Default `''`. */
  routingKey?: string | undefined;
  /** Arguments of the binding. */
  arguments?: Readonly<Record<string, unknown>> | undefined;
}

/** How a message is published to a bound exchange. */
export interface ExchangePublishOptions extends MessageOptions, CallOptions {
  /** Default `''`. */
  routingKey?: string | undefined;
  /** UndeliverableError NO_ROUTE when no queue takes it. Default false. */
  mandatory?: boolean | undefined;
}

/** The names of {@link BindExchangeOptions}. */
export const BIND_EXCHANGE_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...NOWAIT_OPTION_NAMES,
  'routingKey',
  'arguments',
]);
const DECLARE_NAMES = new Set([...NOWAIT_OPTION_NAMES, 'passive']);
const DELETE_NAMES = new Set([...NOWAIT_OPTION_NAMES, 'ifUnused']);
const MESSAGE_NAMES = new Set(MESSAGE_OPTION_NAMES);
const PUBLISH_NAMES = new Set([...MESSAGE_NAMES, ...CALL_OPTION_NAMES, 'routingKey', 'mandatory']);
const DEFAULT_TIMEOUT_MS = 30_000;

/** An {@link Exchange} on a channel. Made by `exchange.bind(channelOrConnection)`. */
export class BoundExchange {
  /** The declaration. */
  readonly entity: Exchange;
  /** The channel that it works on. */
  readonly channel: Channel;

  /** @internal */
  constructor(entity: Exchange, channel: Channel) {
    this.entity = entity;
    this.channel = channel;
  }

  /** Its name. */
  get name(): string {
    return this.entity.name;
  }

  /** Its type. */
  get type(): string {
    return this.entity.type;
  }

  /**
   * Declares it. Does nothing for the default exchange, for `amq.*` and for `noDeclare`.
   * @throws ChannelError PRECONDITION_FAILED when it exists and is different, NOT_FOUND when passive and missing.
   */
  async declare(options: DeclareExchangeOptions = {}): Promise<void> {
    checkOptionNames('declare', options, DECLARE_NAMES);
    if (!this.entity.isDeclarable) return;
    await unlessNowait(
      this.channel,
      options,
      this.channel.declareExchange(this.entity.toSpec(options.passive), callOptions(options)),
      undefined,
    );
  }

  /**
   * Deletes it. One that is not there counts as deleted.
   * @throws ChannelError PRECONDITION_FAILED with `ifUnused` when something is bound to it.
   */
  async delete(options: CallOptions & NowaitOptions & { ifUnused?: boolean | undefined } = {}): Promise<void> {
    checkOptionNames('delete', options, DELETE_NAMES);
    const deleted = this.channel.deleteExchange(this.name, {
      ...callOptions(options),
      ...(options.ifUnused ? { ifUnused: true } : {}),
    });
    await unlessNowait(this.channel, options, deleted, undefined);
  }

  /** Binds it to `source`: what reaches `source` with a matching key goes on to this exchange. */
  async bindTo(source: Exchange | BoundExchange | string, options: BindExchangeOptions = {}): Promise<void> {
    checkOptionNames('bindTo', options, BIND_EXCHANGE_OPTION_NAMES);
    const bound = this.channel.bindExchange(this.#bindingTo(source, options), callOptions(options));
    await unlessNowait(this.channel, options, bound, undefined);
  }

  /** Takes a binding to `source` back. */
  async unbindFrom(source: Exchange | BoundExchange | string, options: BindExchangeOptions = {}): Promise<void> {
    checkOptionNames('unbindFrom', options, BIND_EXCHANGE_OPTION_NAMES);
    const unbound = this.channel.unbindExchange(this.#bindingTo(source, options), callOptions(options));
    await unlessNowait(this.channel, options, unbound, undefined);
  }

  #bindingTo(source: Exchange | BoundExchange | string, options: BindExchangeOptions) {
    return {
      destination: this.name,
      source: typeof source === 'string' ? source : source.name,
      routingKey: options.routingKey ?? '',
      arguments: frozenArguments(`Exchange '${this.name}'`, 'arguments', options.arguments),
    };
  }

  /** A binding to this exchange, for the `bindings` of a queue. */
  binding(options: BindingOptions = {}): Binding {
    return new Binding(this.entity, options);
  }

  /** Encodes a message for {@link BoundExchange.publish}. A promise only where `compression` works asynchronously. */
  message(body: unknown, options: MessageOptions = {}): MaybePromise<PreparedMessage> {
    checkOptionNames('message', options, MESSAGE_NAMES);
    return this.#prepare(body, options);
  }

  #prepare(body: unknown, options: MessageOptions): MaybePromise<PreparedMessage> {
    return prepareMessage(body, options, NO_DEFAULTS, this.entity.deliveryMode ?? 2, this.channel.connection.codec);
  }

  /**
   * Publishes a message that {@link BoundExchange.message} made, or a body, to this exchange. Waits at most `timeoutMs`
   * (default 30000) until the broker has taken it. A Producer does more: defaults, declarations, retries.
   */
  async publish(message: unknown, options: ExchangePublishOptions = {}): Promise<void> {
    checkOptionNames('publish', options, PUBLISH_NAMES);
    const { connection } = this.channel;
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    const deadline = timeoutMs > 0 ? connection.clock.monotonic() + timeoutMs : undefined;
    const given = await message;
    const prepared = given instanceof PreparedMessage ? given : await this.#prepare(given, options);
    const route = {
      exchange: this.name,
      routingKey: options.routingKey ?? '',
      ...(options.mandatory ? { mandatory: true } : {}),
    };
    await this.channel.publish(prepared, route, { deadline, signal });
  }

  /** For logs and error messages. */
  toString(): string {
    return this.entity.toString();
  }
}
