import type { Op } from '../transport/channel.js';
import { type Clock, systemClock } from '../util/clock.js';
import { bindingIdentity } from './binding-identity.js';
import type { PutRequest } from './driver.js';
import { commitRetrying } from './key-value-commit.js';
import { type Document, DocumentDraft, documentKeys, readExchange } from './key-value-documents.js';
import { decodeKeyPart, type KeyValue, type KeyValueStore } from './key-value-store.js';
import { notFound } from './refusals.js';
import type { BindingRecord, ExchangeTable, TopologyStore } from './topology-store.js';

/** Where shared declarations and presence are kept. */
export interface KeyValueLayout {
  /** What their keys begin with, such as `kombu/`. */
  readonly prefix: string;
  /** Default: the process's own clock. */
  readonly clock?: Clock;
}

/** Declarations in a store of keys, and what a driver needs to check them in its puts. */
export interface KeyValueTopology extends TopologyStore {
  /** The key whose version is the version of the exchange's routing table. */
  exchangeKey(exchange: string): string;
  /** The key that holds a queue's record. */
  queueKey(queue: string): string;
  /** Those of the tables that are not what they were, as they are now: for a put whose check failed. */
  stale(check: PutRequest['check'], o?: Op): Promise<ExchangeTable[]>;
}

function tableOf(name: string, key: string, found: KeyValue): ExchangeTable {
  const { record, bindings } = readExchange(name, key, found);
  return { name, record, bindings: [...bindings.values()], version: found.version };
}

/**
 * Exchanges, queues and bindings in a store of keys, shared by all processes. There is one key an exchange, with its record, all its
 * bindings, and the names of the exchanges that are bound to it; and one a queue. What touches several of them is one commit; only
 * the end of something that is bound to more exchanges than one commit can hold goes in parts.
 *
 * `onQueueDropped` is there where the store has `onRemoved`. A driver that learns of it in another way adds its own.
 */
export function createKeyValueTopology(store: KeyValueStore, layout: KeyValueLayout): KeyValueTopology {
  const { prefix, clock = systemClock } = layout;
  const keys = documentKeys(prefix);

  /** Changes documents until nobody came between. */
  const change = <T>(what: string, o: Op | undefined, edit: (draft: DocumentDraft) => Promise<T>): Promise<T> =>
    commitRetrying(
      store,
      clock,
      what,
      async () => {
        const draft = new DocumentDraft(store, keys, o);
        const result = await edit(draft);
        return { steps: await draft.steps(), result };
      },
      o,
    );

  const destinationOf = (draft: DocumentDraft, b: BindingRecord): Promise<Document<object>> =>
    b.destinationType === 'queue' ? draft.queue(b.destination) : draft.exchange(b.destination);
  const leadsTo = (b: BindingRecord, type: BindingRecord['destinationType'], name: string): boolean =>
    b.destinationType === type && b.destination === name;
  const hasBindingTo = (source: Document<object>, type: BindingRecord['destinationType'], name: string): boolean =>
    [...source.bindings.values()].some((b) => leadsTo(b, type, name));

  /** Removes a document and the bindings from and to it; as much of them at once as one commit can hold. */
  const drop = async (type: BindingRecord['destinationType'], name: string, o?: Op): Promise<readonly string[]> => {
    const touched = new Set<string>();
    for (;;) {
      const { done, unbound } = await change(`deleting ${type} '${name}'`, o, async (draft) => {
        const unbound: string[] = [];
        const document = await (type === 'queue' ? draft.queue(name) : draft.exchange(name));
        document.record = undefined;
        let room = store.maxSteps - 1;
        const sources = [...document.sources].slice(0, room);
        room -= sources.length;
        await Promise.all(sources.map((source) => draft.exchange(source)));
        for (const source of sources) {
          const { bindings } = await draft.exchange(source);
          for (const [id, b] of bindings) {
            if (!leadsTo(b, type, name)) continue;
            bindings.delete(id);
            if (type === 'queue' || source !== name) unbound.push(source);
          }
          document.sources.delete(source);
        }
        const away = [...document.bindings].slice(0, Math.max(0, room));
        await Promise.all(away.map(([, b]) => destinationOf(draft, b)));
        for (const [id, b] of away) {
          document.bindings.delete(id);
          const left = hasBindingTo(document, b.destinationType, b.destination);
          if (!left) (await destinationOf(draft, b)).sources.delete(name);
        }
        if (document.sources.size > 0 || document.bindings.size > 0) return { done: false, unbound };
        document.state = 'dropped';
        return { done: true, unbound };
      });
      for (const source of unbound) touched.add(source);
      if (done) return [...touched];
    }
  };

  const onRemoved = store.onRemoved?.bind(store);
  return {
    exchangeKey: keys.exchange,
    queueKey: keys.queue,
    async stale(check, o) {
      const tables = check.map(async ({ exchange, version }) => {
        const key = keys.exchange(exchange);
        const found = await store.get(key, o);
        return found.version === version ? undefined : tableOf(exchange, key, found);
      });
      return (await Promise.all(tables)).filter((table) => table !== undefined);
    },
    async loadExchange(name, o) {
      const key = keys.exchange(name);
      const table = tableOf(name, key, await store.get(key, o));
      return table.record === undefined && table.bindings.length === 0 ? undefined : table;
    },
    saveExchange: (record, o) =>
      change(`declaring exchange '${record.name}'`, o, async (draft) => {
        const document = await draft.exchange(record.name);
        document.record ??= record;
        return document.record;
      }),
    dropExchange: (name, o) => drop('exchange', name, o),
    async loadQueue(name, o) {
      return (await new DocumentDraft(store, keys, o).queue(name)).record;
    },
    saveQueue: (record, o) =>
      change(`declaring queue '${record.name}'`, o, async (draft) => {
        const document = await draft.queue(record.name);
        document.record ??= record;
        return document.record;
      }),
    dropQueue: (name, o) => drop('queue', name, o),
    bind(binding, o) {
      /** Once the destination was seen, it must not be made again by binding it. */
      let seen: 'declared' | 'unknown' = 'unknown';
      return change(`binding to exchange '${binding.exchange}'`, o, async (draft) => {
        const [source, destination] = await Promise.all([
          draft.exchange(binding.exchange),
          destinationOf(draft, binding),
        ]);
        if (destination.record !== undefined) seen = 'declared';
        else if (seen === 'declared') throw notFound(binding.destinationType, binding.destination);
        const id = bindingIdentity(binding);
        if (!source.bindings.has(id)) source.bindings.set(id, binding);
        destination.sources.add(binding.exchange);
      });
    },
    unbind: (binding, o) =>
      change(`unbinding from exchange '${binding.exchange}'`, o, async (draft) => {
        const source = await draft.exchange(binding.exchange);
        if (!source.bindings.delete(bindingIdentity(binding))) return;
        if (hasBindingTo(source, binding.destinationType, binding.destination)) return;
        (await destinationOf(draft, binding)).sources.delete(binding.exchange);
      }),
    ...(onRemoved === undefined
      ? {}
      : {
          onQueueDropped: (listener: (queue: string) => void) =>
            onRemoved(keys.queues, (key) => {
              const queue = decodeKeyPart(key.slice(keys.queues.length));
              if (queue !== undefined) listener(queue);
            }),
        }),
  };
}
