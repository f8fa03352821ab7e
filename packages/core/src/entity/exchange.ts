import { isDeepStrictEqual } from 'node:util';
import { InvalidOptionError } from '../errors/index.js';
import type { Arguments, ExchangeSpec } from '../transport/channel.js';
import { checkOptionNames, flag, text } from '../util/check-options.js';
import { frozenArguments, isEmpty } from './arguments.js';
import { Binding, type BindingOptions } from './binding.js';
import { BoundExchange } from './bound-exchange.js';
import { type DeliveryMode, deliveryModeNumber } from './delivery-mode.js';
import { type ChannelOrConnection, channelOf } from './target.js';
import { refuseUnbound } from './unbound.js';

/** What an {@link Exchange} is declared with. */
export interface ExchangeOptions {
  /** `direct` (default), `topic`, `fanout`, `headers`, or a type of the broker's own. */
  type?: string | undefined;
  /** Whether it outlives a restart of the broker. Default true. */
  durable?: boolean | undefined;
  /** Whether it goes away with its last binding. Default false. */
  autoDelete?: boolean | undefined;
  /** The delivery mode of messages published to it that name none. Default: none, which makes them persistent. */
  deliveryMode?: DeliveryMode | undefined;
  /** Further arguments, such as `{ 'alternate-exchange': 'unrouted' }`. */
  arguments?: Readonly<Record<string, unknown>> | undefined;
  /** Declaring it only checks that it is there: ChannelError NOT_FOUND when not. Default false. */
  passive?: boolean | undefined;
  /** Declaring it does nothing. Default false. */
  noDeclare?: boolean | undefined;
}

/** An exchange as JSON. Everything at its default is left out. */
export interface ExchangeJson extends Omit<ExchangeOptions, 'deliveryMode'> {
  name: string;
  deliveryMode?: 1 | 2;
}

const OPTIONS = new Set(['type', 'durable', 'autoDelete', 'deliveryMode', 'arguments', 'passive', 'noDeclare']);

/**
 * The declaration of an exchange: a frozen value that can be compared and used with any number of connections. What talks to
 * the broker is on the {@link BoundExchange} that {@link Exchange.bind} gives.
 *
 * The name `''` is the default exchange, which takes each message to the queue that its routing key names. It and the
 * exchanges whose name begins with `amq.` exist on every broker and are never declared.
 *
 * @throws InvalidOptionError for an unknown option or a value of the wrong kind.
 */
export class Exchange {
  /** Its name; `''` is the default exchange. */
  readonly name: string;
  /** How it routes. */
  readonly type: string;
  /** Whether it outlives a restart of the broker. */
  readonly durable: boolean;
  /** Whether it goes away with its last binding. */
  readonly autoDelete: boolean;
  /** Delivery mode of messages that name none; undefined: persistent. */
  readonly deliveryMode: 1 | 2 | undefined;
  /** Further arguments. */
  readonly arguments: Arguments;
  /** Declaring it only checks that it is there. */
  readonly passive: boolean;
  /** Declaring it does nothing. */
  readonly noDeclare: boolean;
  #key: string | undefined;

  constructor(name = '', options: ExchangeOptions = {}) {
    const owner = `Exchange '${String(name)}'`;
    checkOptionNames(owner, options, OPTIONS);
    this.name = text('Exchange', 'name', name, '');
    this.type = text(owner, 'type', options.type, 'direct');
    if (this.type === '') throw new InvalidOptionError(`${owner}: 'type' must not be empty`);
    this.durable = flag(owner, 'durable', options.durable, true);
    this.autoDelete = flag(owner, 'autoDelete', options.autoDelete, false);
    this.deliveryMode = deliveryModeNumber(owner, options.deliveryMode);
    this.arguments = frozenArguments(owner, 'arguments', options.arguments);
    this.passive = flag(owner, 'passive', options.passive, false);
    this.noDeclare = flag(owner, 'noDeclare', options.noDeclare, false);
    Object.freeze(this);
  }

  static {
    refuseUnbound(Exchange.prototype, 'Exchange', ['declare', 'delete', 'message', 'publish', 'bindTo', 'unbindFrom']);
  }

  /** Binds it to a channel, or to a connection's default channel. */
  bind(target: ChannelOrConnection): BoundExchange {
    return new BoundExchange(this, channelOf(target));
  }

  /** A binding to this exchange, for the `bindings` of a queue. */
  binding(options: BindingOptions = {}): Binding {
    return new Binding(this, options);
  }

  /** Whether `other` declares the same exchange in the same way. */
  equals(other: unknown): boolean {
    return other instanceof Exchange && (other === this || isDeepStrictEqual(other.toJSON(), this.toJSON()));
  }

  /** Whether a declaration of it can be remembered: not when it may go away by itself. */
  get canCacheDeclaration(): boolean {
    return !this.autoDelete;
  }

  /** Whether declaring it sends anything to the broker. */
  get isDeclarable(): boolean {
    return this.name !== '' && !this.noDeclare && !this.name.startsWith('amq.');
  }

  /** Names this very declaration in a channel's cache of declarations. @internal */
  get declarationKey(): string {
    this.#key ??= `exchange ${JSON.stringify(this.toJSON())}`;
    return this.#key;
  }

  /** As a transport wants it. @internal */
  toSpec(passive = this.passive): ExchangeSpec {
    const spec = {
      name: this.name,
      type: this.type,
      durable: this.durable,
      autoDelete: this.autoDelete,
      arguments: this.arguments,
    };
    return passive ? { ...spec, passive } : spec;
  }

  /** A plain object that {@link Exchange.fromJSON} reads; everything at its default is left out. */
  toJSON(): ExchangeJson {
    return {
      name: this.name,
      type: this.type,
      ...(this.durable ? {} : { durable: false }),
      ...(this.autoDelete ? { autoDelete: true } : {}),
      ...(this.deliveryMode === undefined ? {} : { deliveryMode: this.deliveryMode }),
      ...(isEmpty(this.arguments) ? {} : { arguments: this.arguments }),
      ...(this.passive ? { passive: true } : {}),
      ...(this.noDeclare ? { noDeclare: true } : {}),
    };
  }

  /** The exchange that {@link Exchange.toJSON} gave. @throws InvalidOptionError for unknown members. */
  static fromJSON(json: ExchangeJson): Exchange {
    const { name, ...options } = json;
    return new Exchange(name, options);
  }

  /** For logs and error messages. */
  toString(): string {
    return `Exchange '${this.name}' (${this.type})`;
  }
}
