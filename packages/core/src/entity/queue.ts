import { isDeepStrictEqual } from 'node:util';
import { InvalidOptionError } from '../errors/index.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import { checkedSchema } from '../schema/validate.js';
import type { Arguments, QueueSpec } from '../transport/channel.js';
import { checkOptionNames, flag, milliseconds, optionalFunction, text, wholeNumber } from '../util/check-options.js';
import { frozenArguments } from './arguments.js';
import { Binding } from './binding.js';
import { BoundQueue } from './bound-queue.js';
import { Exchange } from './exchange.js';
import { bindingFromJSON, exchangeOf } from './make-binding.js';
import { type KombuQueueDict, type KombuQueueOptions, queueOptionsFromDict, queueToDict } from './queue-dict.js';
import { queueToJson } from './queue-json.js';
import { type OnDeclared, QUEUE_OPTION_NAMES, type QueueJson, type QueueOptions } from './queue-options.js';
import { type ChannelOrConnection, channelOf } from './target.js';
import { refuseUnbound } from './unbound.js';

declare const PAYLOAD: unique symbol;

/**
 * The declaration of a queue with its exchange and bindings: a frozen value that can be compared and used with any number of
 * connections. What talks to the broker is on the {@link BoundQueue} that {@link Queue.bind} gives.
 *
 * The name `''` lets the broker choose one; the bound queue has it once it is declared. `T` is the type that the payloads of
 * its messages are taken to be; only a `schema` checks it at run time.
 *
 * @example
 * ```ts
 * import { Exchange, Queue } from '@kombu/core';
 *
 * const media = new Exchange('media', { type: 'topic' });
 * const video = new Queue<{ name: string }>('video', { exchange: media, routingKey: 'video.#', messageTtlMs: 60_000 });
 * ```
 * @throws InvalidOptionError for an unknown option or a value of the wrong kind.
 */
export class Queue<T = unknown> {
  /** What its payloads are taken to be; for the type checker only. */
  declare readonly [PAYLOAD]?: T;
  /** Its name; `''`: the broker chooses one. */
  readonly name: string;
  /** The exchange it is bound to; the default exchange needs no binding. */
  readonly exchange: Exchange;
  /** The binding key with which it is bound to its exchange. */
  readonly routingKey: string;
  /** Further bindings. */
  readonly bindings: readonly Binding[];
  /** Whether it outlives a restart of the broker. */
  readonly durable: boolean;
  /** Whether it is for one connection only. */
  readonly exclusive: boolean;
  /** Whether it goes away when its last consumer is gone. */
  readonly autoDelete: boolean;
  /** Milliseconds after which it is deleted when unused. */
  readonly expiresMs: number | undefined;
  /** Milliseconds that a message may wait in it. */
  readonly messageTtlMs: number | undefined;
  /** Messages that may wait in it. */
  readonly maxLength: number | undefined;
  /** Bytes of bodies that may wait in it. */
  readonly maxLengthBytes: number | undefined;
  /** The highest priority it tells apart. */
  readonly maxPriority: number | undefined;
  /** Arguments of its declaration, without the five above. */
  readonly queueArguments: Arguments;
  /** Arguments of its binding to its exchange. */
  readonly bindingArguments: Arguments;
  /** Arguments of its consumers. */
  readonly consumerArguments: Arguments;
  /** Declaring it does nothing. */
  readonly noDeclare: boolean;
  /** Its consumers take messages for good unless they say otherwise. */
  readonly noAck: boolean;
  /** A name for the application's own use. */
  readonly alias: string | undefined;
  /** Called after each declaration. */
  readonly onDeclared: OnDeclared | undefined;
  /** What its payloads have to match. */
  readonly schema: StandardSchema | undefined;
  #key: string | undefined;
  #spec: QueueSpec | undefined;

  constructor(name = '', options: QueueOptions<T> = {}) {
    const owner = `Queue '${String(name)}'`;
    checkOptionNames(owner, options, QUEUE_OPTION_NAMES);
    this.name = text('Queue', 'name', name, '');
    this.exchange = exchangeOf(owner, options.exchange ?? '');
    this.routingKey = text(owner, 'routingKey', options.routingKey, '');
    this.bindings = Object.freeze([...(options.bindings ?? [])]);
    for (const item of this.bindings) {
      if (!(item instanceof Binding)) throw new InvalidOptionError(`${owner}: 'bindings' must be made with binding()`);
    }
    this.durable = flag(owner, 'durable', options.durable, true);
    this.exclusive = flag(owner, 'exclusive', options.exclusive, false);
    this.autoDelete = flag(owner, 'autoDelete', options.autoDelete, false) || this.exclusive;
    this.expiresMs = milliseconds(owner, 'expiresMs', options.expiresMs, 1);
    this.messageTtlMs = milliseconds(owner, 'messageTtlMs', options.messageTtlMs);
    this.maxLength = wholeNumber(owner, 'maxLength', options.maxLength, 0);
    this.maxLengthBytes = wholeNumber(owner, 'maxLengthBytes', options.maxLengthBytes, 0);
    this.maxPriority = wholeNumber(owner, 'maxPriority', options.maxPriority, 0, 255);
    this.queueArguments = frozenArguments(owner, 'queueArguments', options.queueArguments);
    this.bindingArguments = frozenArguments(owner, 'bindingArguments', options.bindingArguments);
    this.consumerArguments = frozenArguments(owner, 'consumerArguments', options.consumerArguments);
    this.noDeclare = flag(owner, 'noDeclare', options.noDeclare, false);
    this.noAck = flag(owner, 'noAck', options.noAck, false);
    this.alias = options.alias == null ? undefined : text(owner, 'alias', options.alias, '');
    this.onDeclared = optionalFunction(owner, 'onDeclared', options.onDeclared);
    this.schema = checkedSchema(owner, options.schema);
    Object.freeze(this);
  }

  static {
    refuseUnbound(Queue.prototype, 'Queue', [
      'declare',
      'queueDeclare',
      'queueBind',
      'queueUnbind',
      'get',
      'consume',
      'cancel',
      'purge',
      'delete',
      'bindTo',
      'unbindFrom',
    ]);
  }

  /** Binds it to a channel, or to a connection's default channel. */
  bind(target: ChannelOrConnection): BoundQueue<T> {
    return new BoundQueue<T>(this, channelOf(target));
  }

  /** Whether `other` declares the same queue, exchange and bindings in the same way. `onDeclared` does not count. */
  equals(other: unknown): boolean {
    return other instanceof Queue && (other === this || isDeepStrictEqual(other.toJSON(), this.toJSON()));
  }

  /** Whether a declaration of it can be remembered: not when it, or an exchange of it, may go away by itself. */
  get canCacheDeclaration(): boolean {
    return (
      this.name !== '' &&
      !this.autoDelete &&
      !('x-expires' in this.toSpec().arguments) &&
      this.exchange.canCacheDeclaration &&
      this.bindings.every((item) => item.exchange.canCacheDeclaration)
    );
  }

  /** Names this very declaration in a channel's cache of declarations. @internal */
  get declarationKey(): string {
    this.#key ??= `queue ${JSON.stringify(this.toJSON())}`;
    return this.#key;
  }

  /** As a transport wants it. @internal */
  toSpec(): QueueSpec {
    this.#spec ??= Object.freeze({
      name: this.name,
      durable: this.durable,
      exclusive: this.exclusive,
      autoDelete: this.autoDelete,
      arguments: Object.freeze({
        ...this.queueArguments,
        ...(this.expiresMs === undefined ? {} : { 'x-expires': this.expiresMs }),
        ...(this.messageTtlMs === undefined ? {} : { 'x-message-ttl': this.messageTtlMs }),
        ...(this.maxLength === undefined ? {} : { 'x-max-length': this.maxLength }),
        ...(this.maxLengthBytes === undefined ? {} : { 'x-max-length-bytes': this.maxLengthBytes }),
        ...(this.maxPriority === undefined ? {} : { 'x-max-priority': this.maxPriority }),
      }),
    });
    return this.#spec;
  }

  /** A plain object that {@link Queue.fromJSON} reads; everything at its default is left out. */
  toJSON(): QueueJson {
    return queueToJson(this);
  }

  /** The queue that {@link Queue.toJSON} gave. @throws InvalidOptionError for unknown members. */
  static fromJSON<T = unknown>(json: QueueJson): Queue<T> {
    const { name, exchange, bindings, ...settings } = json;
    return new Queue<T>(name, {
      ...settings,
      exchange: typeof exchange === 'object' ? Exchange.fromJSON(exchange) : exchange,
      bindings: bindings?.map(bindingFromJSON),
    });
  }

  /** The dictionary of Kombu for Python: `Queue.as_dict(recurse=True)`, durations in seconds. {@link Queue.fromDict} reads it. */
  toDict(): KombuQueueDict {
    return queueToDict(this);
  }

  /**
   * The queue of a dictionary in Kombu's own shape, durations in seconds: what Celery's `task_queues` has, with members such as
   * `exchange`, `exchange_type`, `routing_key` (or `binding_key`), `queue_arguments`, `message_ttl`; or what
   * {@link Queue.toDict} gives. `durable` and `auto_delete` hold for queue and exchange unless `queue_durable`,
   * `exchange_durable`, `queue_auto_delete` or `exchange_auto_delete` say otherwise. null means "not given".
   *
   * @throws InvalidOptionError for unknown members.
   */
  static fromDict<T = unknown>(name: string, options: KombuQueueOptions = {}): Queue<T> {
    return new Queue<T>(name, queueOptionsFromDict(name, options) as QueueOptions<T>);
  }

  /** For logs and error messages. */
  toString(): string {
    return `Queue '${this.name}'`;
  }
}
