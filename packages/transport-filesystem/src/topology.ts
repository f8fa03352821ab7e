import path from 'node:path';
import { throwIfAborted } from '@kombu/core';
import {
  type BindingRecord,
  type PutRequest,
  type PutResult,
  predeclaredType,
  type QueueRecord,
  type TopologyStore,
  topicPattern,
} from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { ExchangeFiles, type Row } from './exchange-file.js';
import { encodeName } from './file-name.js';
import { OwnBindings } from './own-bindings.js';
import { watchDrops } from './queue-drops.js';
import { RecordFiles } from './record-files.js';
import { RoutingTables } from './routing-table.js';

/** Exchange types that Python's file system transport has. */
const PYTHON_TYPES: readonly string[] = ['direct', 'topic', 'fanout'];

/** Declarations in the folder, and the check of routing tables that a put makes. */
export interface FolderTopology {
  readonly store: TopologyStore;
  readonly stale: (check: PutRequest['check']) => NonNullable<PutResult['stale']>;
}

/**
 * Declarations as files. Bindings of queues are in the tables that Python reads (where those are shared), everything else in
 * records of our own.
 */
export function createTopology(context: DriverContext): FolderTopology {
  const { link, folders } = context;
  const files = new RecordFiles(folders.controlDrafts);
  const own = new OwnBindings(folders, files);
  const python = context.shareWithPython ? new ExchangeFiles(folders) : undefined;
  const tables = new RoutingTables(own, python);
  const queueFile = (name: string): string => path.join(folders.queues, `${encodeName(name)}.json`);

  const guard = async <T>(what: string, signal: AbortSignal | undefined, work: () => T | Promise<T>): Promise<T> => {
    link.check();
    throwIfAborted(signal, what);
    try {
      return await work();
    } catch (error) {
      throw link.translate(error, what);
    }
  };

  /** Nothing is there only as long as the folder is. */
  const present = <T>(found: T): T => {
    const gone = found === undefined ? link.look() : undefined;
    if (gone !== undefined) throw gone;
    return found;
  };

  const typeOf = (exchange: string): string | undefined => own.record(exchange)?.type ?? predeclaredType(exchange);
  /** Whether a binding goes where Python reads it. */
  const isShared = ({ exchange, destinationType, arguments: args }: BindingRecord): boolean =>
    python !== undefined &&
    destinationType === 'queue' &&
    Object.keys(args).length === 0 &&
    PYTHON_TYPES.includes(typeOf(exchange) ?? 'direct');
  const rowOf = ({ exchange, routingKey, destination }: BindingRecord): Row => [
    routingKey,
    typeOf(exchange) === 'topic' ? topicPattern(routingKey) : '',
    destination,
  ];

  const onQueueDropped = watchDrops(context);
  const store: TopologyStore = {
    loadExchange: (name, o) =>
      guard(`loading exchange '${name}'`, o?.signal, async () => present(await tables.load(name))),
    saveExchange: (record, o) =>
      guard(`declaring exchange '${record.name}'`, o?.signal, () => {
        const stored = own.saveRecord(record);
        if (PYTHON_TYPES.includes(stored.type)) python?.make(record.name);
        return stored;
      }),
    dropExchange: (name, o) =>
      guard(`deleting exchange '${name}'`, o?.signal, async () => {
        own.drop(name);
        await python?.remove(name);
        return own.exchanges().filter((exchange) => own.unbindAll(exchange, 'exchange', name));
      }),
    loadQueue: (name, o) =>
      guard(`loading queue '${name}'`, o?.signal, () => present(files.read<QueueRecord>(queueFile(name)))),
    saveQueue: (record, o) =>
      guard(`declaring queue '${record.name}'`, o?.signal, () => {
        for (;;) {
          if (files.create(queueFile(record.name), record)) return record;
          const stored = files.read<QueueRecord>(queueFile(record.name));
          if (stored !== undefined) return stored;
        }
      }),
    dropQueue: (name, o) =>
      guard(`deleting queue '${name}'`, o?.signal, async () => {
        files.remove(queueFile(name));
        const bound = new Set(own.exchanges().filter((exchange) => own.unbindAll(exchange, 'queue', name)));
        for (const exchange of python?.names() ?? []) {
          if (!(await python?.read(exchange))?.some(([, , queue]) => queue === name)) continue;
          await python?.update(exchange, (rows) => rows.filter(([, , queue]) => queue !== name));
          bound.add(exchange);
        }
        return [...bound];
      }),
    bind: (binding, o) =>
      guard(`binding to exchange '${binding.exchange}'`, o?.signal, async () => {
        if (!isShared(binding)) return own.bind(binding);
        const row = rowOf(binding);
        const same = (other: Row): boolean => row.every((cell, i) => cell === other[i]);
        if ((await python?.read(binding.exchange))?.some(same)) return;
        await python?.update(binding.exchange, (rows) => (rows.some(same) ? undefined : [row, ...rows]));
      }),
    unbind: (binding, o) =>
      guard(`unbinding from exchange '${binding.exchange}'`, o?.signal, async () => {
        own.unbind(binding);
        const other = ([key, , queue]: Row): boolean => key !== binding.routingKey || queue !== binding.destination;
        if (binding.destinationType !== 'queue' || (await python?.read(binding.exchange))?.every(other) !== false)
          return;
        await python?.update(binding.exchange, (rows) => rows.filter(other));
      }),
    ...(onQueueDropped === undefined ? {} : { onQueueDropped }),
  };
  return {
    store,
    stale: (check) => {
      const changed = tables.stale(check);
      if (changed.length > 0) present(undefined);
      return changed;
    },
  };
}
