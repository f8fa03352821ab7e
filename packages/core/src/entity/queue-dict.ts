import { InvalidOptionError } from '../errors/index.js';
import { checkOptionNames } from '../util/check-options.js';
import { Binding, type BindingOptions } from './binding.js';
import type { DeliveryMode } from './delivery-mode.js';
import { Exchange, type ExchangeOptions } from './exchange.js';
import type { Queue } from './queue.js';
import type { QueueOptions } from './queue-options.js';

type Table = Readonly<Record<string, unknown>> | null;

/** An exchange in the dictionary shape of Kombu for Python. */
export interface KombuExchangeDict {
  name?: string | null;
  type?: string | null;
  arguments?: Table;
  durable?: boolean | null;
  passive?: boolean | null;
  auto_delete?: boolean | null;
  delivery_mode?: DeliveryMode | null;
  no_declare?: boolean | null;
}

/** A binding in the dictionary shape of Kombu for Python. */
export interface KombuBindingDict {
  exchange?: KombuExchangeDict | string | null;
  routing_key?: string | null;
  arguments?: Table;
  unbind_arguments?: Table;
}

/** What `Queue.fromDict` takes: Kombu's own names, durations in seconds, null for "not given". */
export interface KombuQueueOptions {
  name?: string | null;
  exchange?: KombuExchangeDict | Exchange | string | null;
  exchange_type?: string | null;
  exchange_durable?: boolean | null;
  exchange_auto_delete?: boolean | null;
  exchange_arguments?: Table;
  delivery_mode?: DeliveryMode | null;
  routing_key?: string | null;
  binding_key?: string | null;
  bindings?: readonly (KombuBindingDict | Binding)[] | null;
  durable?: boolean | null;
  queue_durable?: boolean | null;
  exclusive?: boolean | null;
  auto_delete?: boolean | null;
  queue_auto_delete?: boolean | null;
  expires?: number | null;
  message_ttl?: number | null;
  max_length?: number | null;
  max_length_bytes?: number | null;
  max_priority?: number | null;
  queue_arguments?: Table;
  binding_arguments?: Table;
  consumer_arguments?: Table;
  no_declare?: boolean | null;
  no_ack?: boolean | null;
  alias?: string | null;
}

/** What `Queue.toDict` gives: every member of Kombu's `as_dict(recurse=True)`. */
export interface KombuQueueDict extends Omit<KombuQueueOptions, 'exchange' | 'bindings'> {
  name: string;
  exchange: KombuExchangeDict;
  bindings: readonly KombuBindingDict[];
}

/** How a member of a dictionary and an option of ours belong together. */
interface Field<O> {
  readonly option: keyof O & string;
  /** The names it is read from, of which the first that is given counts. Default: its own. */
  readonly from?: readonly string[];
  /** `seconds`: milliseconds here; `table`: null when empty; `flag`: null when false. */
  readonly kind?: 'seconds' | 'table' | 'flag';
}
type Fields<O> = Readonly<Record<string, Field<O>>>;

const EXCHANGE_FIELDS: Fields<ExchangeOptions> = {
  type: { option: 'type' },
  arguments: { option: 'arguments', kind: 'table' },
  durable: { option: 'durable' },
  passive: { option: 'passive' },
  auto_delete: { option: 'autoDelete' },
  delivery_mode: { option: 'deliveryMode' },
  no_declare: { option: 'noDeclare', kind: 'flag' },
};

/** What the dictionary of a queue says of its exchange, where that is a name. */
const EXCHANGE_OF_QUEUE_FIELDS: Fields<ExchangeOptions> = {
  exchange_type: { option: 'type' },
  exchange_durable: { option: 'durable', from: ['exchange_durable', 'durable'] },
  exchange_auto_delete: { option: 'autoDelete', from: ['exchange_auto_delete', 'auto_delete'] },
  delivery_mode: { option: 'deliveryMode' },
  exchange_arguments: { option: 'arguments' },
};

const BINDING_FIELDS: Fields<BindingOptions> = {
  routing_key: { option: 'routingKey' },
  arguments: { option: 'arguments', kind: 'table' },
  unbind_arguments: { option: 'unbindArguments', kind: 'table' },
};

const QUEUE_FIELDS: Fields<QueueOptions> = {
  routing_key: { option: 'routingKey', from: ['binding_key', 'routing_key'] },
  queue_arguments: { option: 'queueArguments', kind: 'table' },
  binding_arguments: { option: 'bindingArguments', kind: 'table' },
  consumer_arguments: { option: 'consumerArguments', kind: 'table' },
  durable: { option: 'durable', from: ['queue_durable', 'durable'] },
  exclusive: { option: 'exclusive' },
  auto_delete: { option: 'autoDelete', from: ['queue_auto_delete', 'auto_delete'] },
  no_ack: { option: 'noAck' },
  alias: { option: 'alias' },
  no_declare: { option: 'noDeclare', kind: 'flag' },
  expires: { option: 'expiresMs', kind: 'seconds' },
  message_ttl: { option: 'messageTtlMs', kind: 'seconds' },
  max_length: { option: 'maxLength' },
  max_length_bytes: { option: 'maxLengthBytes' },
  max_priority: { option: 'maxPriority' },
};

const namesOf = (...fields: readonly Fields<never>[]): string[] =>
  fields.flatMap(Object.entries<Field<never>>).flatMap(([name, { from = [] }]) => [name, ...from]);

const EXCHANGE_NAMES: ReadonlySet<string> = new Set(['name', ...namesOf(EXCHANGE_FIELDS)]);
const BINDING_NAMES: ReadonlySet<string> = new Set(['exchange', ...namesOf(BINDING_FIELDS)]);
const QUEUE_NAMES: ReadonlySet<string> = new Set([
  'name',
  'exchange',
  'bindings',
  ...namesOf(QUEUE_FIELDS, EXCHANGE_OF_QUEUE_FIELDS),
]);

/** The options that a dictionary means. */
function optionsOf<O extends object>(owner: string, fields: Fields<O>, dict: object): O {
  const given = dict as Readonly<Record<string, unknown>>;
  const options: Partial<Record<keyof O, unknown>> = {};
  for (const [name, { option, from = [name], kind }] of Object.entries<Field<O>>(fields)) {
    const value = from.map((one) => given[one]).find((one) => one !== undefined && one !== null);
    if (value !== undefined) options[option] = kind === 'seconds' ? millisecondsOf(owner, name, value) : value;
  }
  return options as O;
}

/** The members of a dictionary that say what an entity is. */
function dictOf<O extends object>(fields: Fields<O>, entity: { readonly [K in keyof O]?: unknown }): object {
  const dict: Record<string, unknown> = {};
  for (const [name, { option, kind }] of Object.entries<Field<O>>(fields)) {
    const value = entity[option] ?? null;
    if (kind === 'seconds') dict[name] = value === null ? null : (value as number) / 1000;
    else if (kind === 'table') dict[name] = Object.keys(value ?? {}).length === 0 ? null : value;
    else dict[name] = kind === 'flag' ? value || null : value;
  }
  return dict;
}

/** The options of `new Queue` that a dictionary of Kombu's means. */
export function queueOptionsFromDict(name: string, dict: KombuQueueOptions): QueueOptions {
  const owner = `Queue.fromDict('${name}')`;
  checkOptionNames(owner, dict, QUEUE_NAMES);
  return {
    ...optionsOf(owner, QUEUE_FIELDS, dict),
    exchange: exchangeFromQueueDict(owner, dict),
    bindings: dict.bindings?.map((item) => bindingFromDict(owner, item)),
  };
}

function exchangeFromQueueDict(owner: string, dict: KombuQueueOptions): Exchange | undefined {
  const given = dict.exchange ?? undefined;
  if (given instanceof Exchange) return given;
  if (typeof given === 'object') return exchangeFromDict(owner, given);
  return new Exchange(given ?? '', optionsOf(owner, EXCHANGE_OF_QUEUE_FIELDS, dict));
}

function exchangeFromDict(owner: string, dict: KombuExchangeDict): Exchange {
  checkOptionNames(`${owner}: exchange`, dict, EXCHANGE_NAMES);
  return new Exchange(dict.name ?? '', optionsOf(owner, EXCHANGE_FIELDS, dict));
}

function bindingFromDict(owner: string, item: KombuBindingDict | Binding): Binding {
  if (item instanceof Binding) return item;
  checkOptionNames(`${owner}: binding`, item, BINDING_NAMES);
  const exchange =
    typeof item.exchange === 'object' && item.exchange !== null ? item.exchange : { name: item.exchange };
  return new Binding(exchangeFromDict(owner, exchange as KombuExchangeDict), optionsOf(owner, BINDING_FIELDS, item));
}

/** Seconds, fractions allowed, as milliseconds: `int(float(s) * 1000)` in Kombu. */
function millisecondsOf(owner: string, name: string, seconds: unknown): number {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) {
    throw new InvalidOptionError(`${owner}: '${name}' must be a number of seconds`);
  }
  return Math.trunc(seconds * 1000);
}

/** A queue as Kombu's `as_dict(recurse=True)` has it. */
export function queueToDict(queue: Queue): KombuQueueDict {
  return {
    name: queue.name,
    exchange: exchangeToDict(queue.exchange),
    bindings: queue.bindings.map((item) => ({
      exchange: exchangeToDict(item.exchange),
      ...dictOf(BINDING_FIELDS, item),
    })),
    ...dictOf(QUEUE_FIELDS, queue),
  };
}

function exchangeToDict(exchange: Exchange): KombuExchangeDict {
  return { name: exchange.name, ...dictOf(EXCHANGE_FIELDS, exchange) };
}
