import { InvalidOptionError } from '../errors/index.js';
import type { Arguments } from '../transport/channel.js';
import { checkOptionNames } from '../util/check-options.js';
import { Binding } from './binding.js';
import type { DeliveryMode } from './delivery-mode.js';
import { Exchange } from './exchange.js';
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

const QUEUE_NAMES = new Set(
  (
    'name exchange exchange_type exchange_durable exchange_auto_delete exchange_arguments delivery_mode routing_key ' +
    'binding_key bindings durable queue_durable exclusive auto_delete queue_auto_delete expires message_ttl max_length ' +
    'max_length_bytes max_priority queue_arguments binding_arguments consumer_arguments no_declare no_ack alias'
  ).split(' '),
);
const EXCHANGE_NAMES = new Set('name type arguments durable passive auto_delete delivery_mode no_declare'.split(' '));
const BINDING_NAMES = new Set('exchange routing_key arguments unbind_arguments'.split(' '));

/** The options of `new Queue` that a dictionary of Kombu's means. */
export function queueOptionsFromDict(name: string, dict: KombuQueueOptions): QueueOptions {
  const owner = `Queue.fromDict('${name}')`;
  checkOptionNames(owner, dict, QUEUE_NAMES);
  return {
    exchange: exchangeFromQueueDict(owner, dict),
    routingKey: dict.binding_key ?? dict.routing_key ?? undefined,
    bindings: dict.bindings?.map((item) => bindingFromDict(owner, item)),
    durable: dict.queue_durable ?? dict.durable ?? undefined,
    exclusive: dict.exclusive ?? undefined,
    autoDelete: dict.queue_auto_delete ?? dict.auto_delete ?? undefined,
    expiresMs: millisecondsOf(owner, 'expires', dict.expires),
    messageTtlMs: millisecondsOf(owner, 'message_ttl', dict.message_ttl),
    maxLength: dict.max_length ?? undefined,
    maxLengthBytes: dict.max_length_bytes ?? undefined,
    maxPriority: dict.max_priority ?? undefined,
    queueArguments: dict.queue_arguments ?? undefined,
    bindingArguments: dict.binding_arguments ?? undefined,
    consumerArguments: dict.consumer_arguments ?? undefined,
    noDeclare: dict.no_declare ?? undefined,
    noAck: dict.no_ack ?? undefined,
    alias: dict.alias ?? undefined,
  };
}

function exchangeFromQueueDict(owner: string, dict: KombuQueueOptions): Exchange | undefined {
  const given = dict.exchange ?? undefined;
  if (given instanceof Exchange) return given;
  if (typeof given === 'object') return exchangeFromDict(owner, given);
  return new Exchange(given ?? '', {
    type: dict.exchange_type ?? undefined,
    durable: dict.exchange_durable ?? dict.durable ?? undefined,
    autoDelete: dict.exchange_auto_delete ?? dict.auto_delete ?? undefined,
    deliveryMode: dict.delivery_mode ?? undefined,
    arguments: dict.exchange_arguments ?? undefined,
  });
}

function exchangeFromDict(owner: string, dict: KombuExchangeDict): Exchange {
  checkOptionNames(`${owner}: exchange`, dict, EXCHANGE_NAMES);
  return new Exchange(dict.name ?? '', {
    type: dict.type ?? undefined,
    durable: dict.durable ?? undefined,
    autoDelete: dict.auto_delete ?? undefined,
    deliveryMode: dict.delivery_mode ?? undefined,
    arguments: dict.arguments ?? undefined,
    passive: dict.passive ?? undefined,
    noDeclare: dict.no_declare ?? undefined,
  });
}

function bindingFromDict(owner: string, item: KombuBindingDict | Binding): Binding {
  if (item instanceof Binding) return item;
  checkOptionNames(`${owner}: binding`, item, BINDING_NAMES);
  const exchange =
    typeof item.exchange === 'object' && item.exchange !== null ? item.exchange : { name: item.exchange };
  return new Binding(exchangeFromDict(owner, exchange as KombuExchangeDict), {
    routingKey: item.routing_key ?? undefined,
    arguments: item.arguments ?? undefined,
    unbindArguments: item.unbind_arguments ?? undefined,
  });
}

/** Seconds, fractions allowed, as milliseconds: `int(float(s) * 1000)` in Kombu. */
function millisecondsOf(owner: string, name: string, seconds: unknown): number | undefined {
  if (seconds === undefined || seconds === null) return undefined;
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
    routing_key: queue.routingKey,
    queue_arguments: orNull(queue.queueArguments),
    binding_arguments: orNull(queue.bindingArguments),
    consumer_arguments: orNull(queue.consumerArguments),
    durable: queue.durable,
    exclusive: queue.exclusive,
    auto_delete: queue.autoDelete,
    no_ack: queue.noAck,
    alias: queue.alias ?? null,
    bindings: queue.bindings.map((item) => ({
      exchange: exchangeToDict(item.exchange),
      routing_key: item.routingKey,
      arguments: orNull(item.arguments),
      unbind_arguments: orNull(item.unbindArguments),
    })),
    no_declare: queue.noDeclare || null,
    expires: seconds(queue.expiresMs),
    message_ttl: seconds(queue.messageTtlMs),
    max_length: queue.maxLength ?? null,
    max_length_bytes: queue.maxLengthBytes ?? null,
    max_priority: queue.maxPriority ?? null,
  };
}

function exchangeToDict(exchange: Exchange): KombuExchangeDict {
  return {
    name: exchange.name,
    type: exchange.type,
    arguments: orNull(exchange.arguments),
    durable: exchange.durable,
    passive: exchange.passive,
    auto_delete: exchange.autoDelete,
    delivery_mode: exchange.deliveryMode ?? null,
    no_declare: exchange.noDeclare || null,
  };
}

const orNull = (table: Arguments): Table => (Object.keys(table).length === 0 ? null : table);
const seconds = (ms: number | undefined): number | null => (ms === undefined ? null : ms / 1000);
