import type { StandardSchema } from '../schema/standard-schema.js';
import type { Binding, BindingJson } from './binding.js';
import type { Exchange, ExchangeJson } from './exchange.js';

/** Called when a queue was declared: with its name, the number of ready messages and the number of consumers. */
export type OnDeclared = (name: string, messages: number, consumers: number) => void;

/** What a queue is declared with, apart from its exchange and bindings. */
export interface QueueSettings {
  /** The binding key with which it is bound to its exchange. Default `''`. */
  routingKey?: string | undefined;
  /** Whether it outlives a restart of the broker. Default true. */
  durable?: boolean | undefined;
  /** Only the connection that declared it may use it, and it goes away with it. Implies `autoDelete`. Default false. */
  exclusive?: boolean | undefined;
  /**
   * Whether it goes away when its last consumer is gone; one that never had a consumer stays. It stays, too, where nobody knows who
   * else consumes: the capability `presence: 'process'` (SQS). Default false.
   */
  autoDelete?: boolean | undefined;
  /** It is deleted when it was not used (no consumer, no redeclare, no get) for so many milliseconds. At least 1. `x-expires`. */
  expiresMs?: number | undefined;
  /** How long a message may wait in it, in milliseconds. `x-message-ttl`. */
  messageTtlMs?: number | undefined;
  /** How many messages may wait in it; the oldest are dropped or dead-lettered. `x-max-length`. */
  maxLength?: number | undefined;
  /** How many bytes of bodies may wait in it. `x-max-length-bytes`. */
  maxLengthBytes?: number | undefined;
  /** The highest priority it tells apart, 0-255. `x-max-priority`. AMQP queues have no priorities without it. */
  maxPriority?: number | undefined;
  /** Further arguments of its declaration; the five above go over them. */
  queueArguments?: Readonly<Record<string, unknown>> | undefined;
  /** Arguments of its binding to its exchange. */
  bindingArguments?: Readonly<Record<string, unknown>> | undefined;
  /** Arguments of its consumers, such as `{ 'x-priority': 10 }`. */
  consumerArguments?: Readonly<Record<string, unknown>> | undefined;
  /** Declaring it, its exchange and its bindings does nothing. Default false. */
  noDeclare?: boolean | undefined;
  /** Its consumers take messages for good, with no acknowledgement, unless they say otherwise. Default false. */
  noAck?: boolean | undefined;
  /** A name for the application's own use, for example where the broker chooses the queue's name. */
  alias?: string | undefined;
}

/** What a queue is made with. */
export interface QueueOptions<T = unknown> extends QueueSettings {
  /** The exchange it is bound to, or the name of a direct one. Default: the default exchange, which needs no binding. */
  exchange?: Exchange | string | undefined;
  /** Further bindings. A message that several of them match reaches the queue once. */
  bindings?: Iterable<Binding> | undefined;
  /** Called after each declaration. */
  onDeclared?: OnDeclared | undefined;
  /**
   * A Standard Schema (zod, valibot, ...) of its payloads, which says what `T` is too. A body that is published to the queue
   * and does not match is an EncodeError; one that comes from it, a DecodeError. Nothing on the broker knows of it.
   */
  schema?: StandardSchema<unknown, T> | undefined;
}

/** A queue as JSON. Everything at its default is left out; `onDeclared`, a function, is never there. */
export interface QueueJson extends QueueSettings {
  name: string;
  exchange?: ExchangeJson | string;
  bindings?: readonly BindingJson[];
}

/** The names of {@link QueueOptions}. */
export const QUEUE_OPTION_NAMES: ReadonlySet<string> = new Set([
  'exchange',
  'routingKey',
  'bindings',
  'durable',
  'exclusive',
  'autoDelete',
  'expiresMs',
  'messageTtlMs',
  'maxLength',
  'maxLengthBytes',
  'maxPriority',
  'queueArguments',
  'bindingArguments',
  'consumerArguments',
  'noDeclare',
  'noAck',
  'alias',
  'onDeclared',
  'schema',
]);
