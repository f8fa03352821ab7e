import { setTimeout as delay } from 'node:timers/promises';
import {
  type BindingRecord,
  type ExchangeRecord,
  predeclaredType,
  type QueueDrops,
  type QueueRecord,
  type TopologyStore,
  topicPattern,
} from '@kombu/core/virtual';
import type { UpdateFilter } from 'mongodb';
import type { QueueDocument } from './collections.js';
import {
  bindingDocument,
  type DeclarationDocument,
  exchangeId,
  queueId,
  recordOf,
  stableJson,
} from './declarations.js';
import type { DriverContext } from './driver-context.js';
import { deleteMessages } from './queues.js';
import { isNothing, readTables } from './routing-table.js';

/** Kinds of records of queues that may be over. */
const ENDS = ['queue', 'ending'] as const;
/** How long whoever removes a queue has for it, before another one goes on with that. */
const ENDING_MS = 10_000;
/** How often somebody who waits for the end of a queue looks. */
const LOOK_MS = 20;
/** Exchange types that Python's MongoDB transport has. */
const PYTHON_TYPES: readonly string[] = ['direct', 'topic', 'fanout'];

/** After how many milliseconds without use a queue goes away, as it was declared. */
export function expiresOf(record: QueueRecord | undefined): number | undefined {
  const expires = Number(record?.arguments['x-expires'] ?? 0);
  return expires > 0 ? expires : undefined;
}

/** A queue that only Python has declared, with its option `ttl` on. */
function ofPython(found: QueueDocument | null): QueueRecord | undefined {
  if (!found?.options) return undefined;
  const { durable, exclusive, auto_delete, arguments: args } = found.options;
  return {
    name: found._id,
    durable: durable === true,
    exclusive: exclusive === true,
    autoDelete: auto_delete === true,
    arguments: (args ?? {}) as QueueRecord['arguments'],
  };
}

/** Declarations, and what becomes of queues whose `x-expires` is over. */
export interface Topology extends TopologyStore {
  /** Removes a queue, its bindings and its messages if its time is over; whoever uses it again at this moment has moved that. */
  expire(queue: string): Promise<boolean>;
}

/** Declarations in MongoDB: bindings of queues where Python reads them, everything else in documents of our own. */
export function createTopology(context: DriverContext, drops: QueueDrops): Topology {
  const { link, collections, clock, options } = context;
  const { declarations, routing, queues } = collections;

  /** Stores a document unless it is there; resolves with the one that is. */
  const saveOnce = async (document: DeclarationDocument, what: string, signal?: AbortSignal) => {
    const { _id, ...rest } = document;
    const update: UpdateFilter<DeclarationDocument> = { $setOnInsert: rest };
    const save = () => declarations.findOneAndUpdate({ _id }, update, { upsert: true, returnDocument: 'after' });
    return (await link.run(what, save, signal)) as DeclarationDocument | null;
  };

  /** Whether a binding goes where Python reads it: one without arguments, from an exchange of a type that Python has. */
  const isShared = (b: BindingRecord, type: string | undefined): boolean =>
    b.destinationType === 'queue' && Object.keys(b.arguments).length === 0 && PYTHON_TYPES.includes(type ?? 'direct');

  const typeOf = async (exchange: string, signal?: AbortSignal): Promise<string | undefined> => {
    const predeclared = predeclaredType(exchange);
    if (predeclared !== undefined) return predeclared;
    const load = () => declarations.findOne({ _id: exchangeId(exchange) });
    return recordOf<ExchangeRecord>(await link.run(`loading exchange '${exchange}'`, load, signal))?.type;
  };

  /** The dates that Python's `ttl` option puts on a binding. */
  const datesOf = async (queue: string, signal?: AbortSignal): Promise<object> => {
    if (!options.ttl) return {};
    const expires = expiresOf(await store.loadQueue(queue, { signal: signal as AbortSignal }));
    return { expire_at: expires === undefined ? null : clock.in(expires) };
  };

  const sourcesOf = async (destination: string, type: BindingRecord['destinationType'], signal?: AbortSignal) => {
    const what = `looking for bindings to ${type} '${destination}'`;
    const own = { kind: 'binding', destination, destination_type: type } as const;
    const [first, second] = await Promise.all([
      link.run(what, () => declarations.distinct('exchange', own), signal),
      type === 'queue' ? link.run(what, () => routing.distinct('exchange', { queue: destination }), signal) : [],
    ]);
    await Promise.all([
      first.length === 0 ? undefined : link.run(what, () => declarations.deleteMany(own), signal),
      second.length === 0 ? undefined : link.run(what, () => routing.deleteMany({ queue: destination }), signal),
    ]);
    return [...new Set([...first, ...second] as string[])];
  };

  /** What is in a queue and leads to it goes first: who declares it again waits until its record has gone, too. */
  const expire = async (name: string): Promise<boolean> => {
    const what = `expiring queue '${name}'`;
    const over = { _id: queueId(name), kind: { $in: ENDS }, expires_at: { $lte: clock.in() } };
    const mark = { $set: { kind: 'ending', expires_at: clock.in(ENDING_MS) } } as const;
    const { matchedCount } = await link.run(what, () => declarations.updateOne(over, mark));
    if (matchedCount === 0) return false;
    await deleteMessages(context, name);
    await sourcesOf(name, 'queue');
    if (options.ttl) await link.run(what, () => queues.deleteOne({ _id: name }));
    await link.run(what, () => declarations.deleteOne({ _id: queueId(name), kind: 'ending' }));
    context.dropped(name);
    return true;
  };

  /** Stores the record of a queue unless there is one; resolves with that which is. */
  const saveRecord = async (document: DeclarationDocument, name: string, what: string, signal?: AbortSignal) => {
    for (;;) {
      await expire(name);
      const saved = await saveOnce(document, what, signal);
      if (saved?.kind !== 'ending') return recordOf<QueueRecord>(saved);
      await delay(LOOK_MS);
    }
  };

  const store: Topology = {
    expire,
    async loadExchange(name, o) {
      const [table] = await readTables(link, collections, [name], o?.signal);
      return table === undefined || isNothing(table) ? undefined : table;
    },
    async saveExchange(record, o) {
      const { name } = record;
      const document = { _id: exchangeId(name), kind: 'exchange', exchange: name, record: stableJson(record) } as const;
      return recordOf<ExchangeRecord>(await saveOnce(document, `declaring exchange '${name}'`, o?.signal)) ?? record;
    },
    async dropExchange(name, o) {
      const what = `deleting exchange '${name}'`;
      const sources = await sourcesOf(name, 'exchange', o?.signal);
      await Promise.all([
        link.run(what, () => declarations.deleteMany({ exchange: name }), o?.signal),
        link.run(what, () => routing.deleteMany({ exchange: name }), o?.signal),
      ]);
      return sources.filter((source) => source !== name);
    },
    async loadQueue(name, o) {
      const found = await link.run(
        `loading queue '${name}'`,
        () => declarations.findOne({ _id: queueId(name) }),
        o?.signal,
      );
      if (found?.expires_at instanceof Date && found.expires_at <= clock.in() && (await expire(name))) return undefined;
      if (found?.kind === 'ending') return undefined;
      if (found === null && options.ttl)
        return ofPython(await link.run('loading', () => queues.findOne({ _id: name })));
      return recordOf<QueueRecord>(found);
    },
    async saveQueue(record, o) {
      const { name } = record;
      const expires = expiresOf(record);
      const document: DeclarationDocument = {
        _id: queueId(name),
        kind: 'queue',
        queue: name,
        record: stableJson(record),
        ...(expires === undefined ? {} : { expires_at: clock.in(expires) }),
      };
      const what = `declaring queue '${name}'`;
      const saved = await saveRecord(document, name, what, o?.signal);
      if (options.ttl) {
        const { durable, exclusive, autoDelete, arguments: args } = record;
        const flags = { durable, exclusive, auto_delete: autoDelete, nowait: false };
        const kept = { ...flags, arguments: JSON.parse(stableJson(args)) };
        const set = { options: kept, expire_at: expires === undefined ? null : clock.in(expires) };
        await link.run(what, () => queues.updateOne({ _id: name }, { $set: set }, { upsert: true }), o?.signal);
      }
      return saved ?? record;
    },
    async dropQueue(name, o) {
      const what = `deleting queue '${name}'`;
      const [sources] = await Promise.all([
        sourcesOf(name, 'queue', o?.signal),
        link.run(what, () => declarations.deleteOne({ _id: queueId(name), kind: 'queue' }), o?.signal),
        options.ttl ? link.run(what, () => queues.deleteOne({ _id: name }), o?.signal) : undefined,
      ]);
      context.dropped(name);
      return sources;
    },
    async bind(binding, o) {
      const { exchange, destination: queue, routingKey } = binding;
      const what = `binding to exchange '${exchange}'`;
      const type = await typeOf(exchange, o?.signal);
      if (!isShared(binding, type)) {
        await saveOnce(bindingDocument(binding), what, o?.signal);
        return;
      }
      const key = {
        exchange,
        queue,
        routing_key: routingKey,
        pattern: type === 'topic' ? topicPattern(routingKey) : null,
      };
      const data = { ...key, ...(await datesOf(queue, o?.signal)) };
      await link.run(what, () => routing.updateOne(key, { $set: data }, { upsert: true }), o?.signal);
    },
    async unbind(binding, o) {
      const { exchange, destination: queue, routingKey } = binding;
      const what = `unbinding from exchange '${exchange}'`;
      const { _id } = bindingDocument(binding);
      const shared = binding.destinationType === 'queue' && Object.keys(binding.arguments).length === 0;
      await Promise.all([
        link.run(what, () => declarations.deleteOne({ _id }), o?.signal),
        shared
          ? link.run(what, () => routing.deleteMany({ exchange, queue, routing_key: routingKey }), o?.signal)
          : undefined,
      ]);
    },
    onQueueDropped: (listener) => drops.listen(listener),
  };
  return store;
}
