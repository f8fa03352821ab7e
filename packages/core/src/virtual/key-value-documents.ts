import { InconsistencyError } from '../errors/index.js';
import type { Op } from '../transport/channel.js';
import { bindingIdentity } from './binding-identity.js';
import { encodeKeyPart, type KeyValue, type KeyValueStep, type KeyValueStore } from './key-value-store.js';
import type { BindingRecord, ExchangeRecord, QueueRecord } from './topology-store.js';

/** What is kept of an exchange or of a queue, in one key. */
export interface Document<R> {
  /** Undefined: never declared, only bound. */
  record: R | undefined;
  /** Bindings from an exchange, by their identity. Queues have none. */
  readonly bindings: Map<string, BindingRecord>;
  /** The exchanges that have a binding to this one, so that nobody has to look through all of them. */
  readonly sources: Set<string>;
  state: 'kept' | 'dropped';
}

/** The names of the keys that hold documents. */
export interface DocumentKeys {
  exchange(name: string): string;
  queue(name: string): string;
  /** What the keys of all queues begin with. */
  readonly queues: string;
}

/** Builds the names of keys below `prefix`. */
export function documentKeys(prefix: string): DocumentKeys {
  return {
    exchange: (name) => `${prefix}exchanges/${encodeKeyPart(name)}`,
    queue: (name) => `${prefix}queues/${encodeKeyPart(name)}`,
    queues: `${prefix}queues/`,
  };
}

/** Reads JSON that was written here; InconsistencyError names the key that holds something else. */
export function parseDocument(key: string, value: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (cause) {
    throw new InconsistencyError(`key '${key}' does not hold JSON`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new InconsistencyError(`key '${key}' does not hold an object`);
  }
  return parsed as Record<string, unknown>;
}

/** Writes JSON; integers that JavaScript has no number for lose their last digits. */
export function writeDocument(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner));
}

/** A binding as it is written: `q` or `x`, the destination, the routing key, and the arguments where there are any. */
type Row = readonly [type: string, destination: string, routingKey: string, args?: BindingRecord['arguments']];

function readRows(exchange: string, key: string, rows: unknown): Map<string, BindingRecord> {
  const bindings = new Map<string, BindingRecord>();
  for (const row of Array.isArray(rows) ? (rows as readonly unknown[]) : []) {
    const [type, destination, routingKey, args] = (Array.isArray(row) ? row : []) as unknown as Partial<Row>;
    if (typeof destination !== 'string' || typeof routingKey !== 'string') {
      throw new InconsistencyError(`key '${key}' holds a binding without destination or routing key`);
    }
    const destinationType = type === 'x' ? 'exchange' : 'queue';
    const binding: BindingRecord = { exchange, destination, destinationType, routingKey, arguments: args ?? {} };
    bindings.set(bindingIdentity(binding), binding);
  }
  return bindings;
}

/** The bindings of an exchange's document and its record, for a reader that changes nothing. */
export function readExchange(name: string, key: string, found: KeyValue): Document<ExchangeRecord> {
  return readDocument<ExchangeRecord>(name, key, found.value);
}

function readDocument<R extends object>(name: string, key: string, value: string | undefined): Document<R> {
  const parsed = value === undefined ? {} : parseDocument(key, value);
  const { record, bindings, sources } = parsed;
  return {
    record:
      typeof record === 'object' && record !== null ? ({ arguments: {}, ...record, name } as unknown as R) : undefined,
    bindings: readRows(name, key, bindings),
    sources: new Set(Array.isArray(sources) ? sources.filter((one) => typeof one === 'string') : []),
    state: 'kept',
  };
}

function textOf({ record, bindings, sources }: Document<object>): string {
  const rows: Row[] = [];
  for (const { destinationType, destination, routingKey, arguments: args } of bindings.values()) {
    const type = destinationType === 'exchange' ? 'x' : 'q';
    rows.push(Object.keys(args).length === 0 ? [type, destination, routingKey] : [type, destination, routingKey, args]);
  }
  return writeDocument({
    ...(record === undefined ? {} : { record }),
    ...(rows.length === 0 ? {} : { bindings: rows }),
    ...(sources.size === 0 ? {} : { sources: [...sources] }),
  });
}

interface Read {
  readonly key: string;
  readonly found: KeyValue;
  readonly document: Document<object>;
  readonly before: string;
  readonly emptyIsGone: boolean;
}

/** Documents that are read, changed, and written together. */
export class DocumentDraft {
  readonly #store: KeyValueStore;
  readonly #keys: DocumentKeys;
  readonly #op: Op | undefined;
  readonly #read = new Map<string, Promise<Read>>();

  constructor(store: KeyValueStore, keys: DocumentKeys, op: Op | undefined) {
    this.#store = store;
    this.#keys = keys;
    this.#op = op;
  }

  async exchange(name: string): Promise<Document<ExchangeRecord>> {
    return (await this.#load(name, this.#keys.exchange(name), true)).document as Document<ExchangeRecord>;
  }

  async queue(name: string): Promise<Document<QueueRecord>> {
    return (await this.#load(name, this.#keys.queue(name), false)).document as Document<QueueRecord>;
  }

  /** What was read is checked, what was changed is written, what is empty or dropped is removed. */
  async steps(): Promise<KeyValueStep[]> {
    const steps: KeyValueStep[] = [];
    for (const { key, found, document, before, emptyIsGone } of await Promise.all(this.#read.values())) {
      const { version } = found;
      const after = textOf(document);
      const gone = document.state === 'dropped' || (emptyIsGone && after === '{}');
      if (gone && found.value !== undefined) steps.push({ kind: 'remove', key, version });
      else if (gone || after === before) steps.push({ kind: 'check', key, version });
      else steps.push({ kind: 'put', key, version, value: after });
    }
    return steps;
  }

  #load(name: string, key: string, emptyIsGone: boolean): Promise<Read> {
    let read = this.#read.get(key);
    if (read === undefined) {
      read = this.#store.get(key, this.#op).then((found) => {
        const document = readDocument<object>(name, key, found.value);
        return { key, found, document, before: textOf(document), emptyIsGone };
      });
      this.#read.set(key, read);
    }
    return read;
  }
}
