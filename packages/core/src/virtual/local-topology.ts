import { bindingIdentity } from './binding-identity.js';
import { QueueDrops } from './queue-drops.js';
import type { BindingRecord, ExchangeRecord, ExchangeTable, QueueRecord, TopologyStore } from './topology-store.js';

/** What is known of one exchange: its record, and the bindings by their identity. */
interface Entry {
  record: ExchangeRecord | undefined;
  readonly bindings: Map<string, BindingRecord>;
  /** Built when it is asked for. */
  table: ExchangeTable | undefined;
}

/**
 * Declarations that live in this process: for memory brokers, and for drivers whose store keeps none. Everything is
 * answered at once and is always current.
 */
export function createLocalTopology(): TopologyStore {
  const exchanges = new Map<string, Entry>();
  const queues = new Map<string, QueueRecord>();
  const drops = new QueueDrops();
  let revision = 0;

  const changed = (entry?: Entry): void => {
    revision++;
    if (entry !== undefined) entry.table = undefined;
  };

  const entryOf = (name: string): Entry => {
    let entry = exchanges.get(name);
    if (entry === undefined) {
      entry = { record: undefined, bindings: new Map(), table: undefined };
      exchanges.set(name, entry);
    }
    return entry;
  };

  const tableOf = (name: string): ExchangeTable | undefined => {
    const entry = exchanges.get(name);
    if (entry === undefined) return undefined;
    entry.table ??= { name, record: entry.record, bindings: [...entry.bindings.values()], version: revision };
    return entry.table;
  };

  /** Forgets an exchange of which nothing is left. */
  const tidy = (name: string, entry: Entry): void => {
    if (entry.record === undefined && entry.bindings.size === 0) exchanges.delete(name);
  };

  const dropBindingsTo = (type: BindingRecord['destinationType'], destination: string): readonly string[] => {
    const touched: string[] = [];
    for (const [name, entry] of exchanges) {
      const before = entry.bindings.size;
      for (const [key, b] of entry.bindings) {
        if (b.destinationType === type && b.destination === destination) entry.bindings.delete(key);
      }
      if (entry.bindings.size === before) continue;
      changed(entry);
      touched.push(name);
      tidy(name, entry);
    }
    return touched;
  };

  return {
    view: {
      get revision() {
        return revision;
      },
      exchange: tableOf,
      queue: (name) => queues.get(name),
      queues: () => queues.values(),
    },
    loadExchange: async (name) => tableOf(name),
    async saveExchange(record) {
      const entry = entryOf(record.name);
      if (entry.record === undefined) {
        entry.record = record;
        changed(entry);
      }
      return entry.record;
    },
    async dropExchange(name) {
      if (exchanges.delete(name)) changed();
      return dropBindingsTo('exchange', name);
    },
    loadQueue: async (name) => queues.get(name),
    async saveQueue(record) {
      const there = queues.get(record.name);
      if (there !== undefined) return there;
      queues.set(record.name, record);
      changed();
      return record;
    },
    async dropQueue(name) {
      const there = queues.delete(name);
      if (there) changed();
      const touched = dropBindingsTo('queue', name);
      if (there) drops.tell(name);
      return touched;
    },
    async bind(binding) {
      const entry = entryOf(binding.exchange);
      const key = bindingIdentity(binding);
      if (entry.bindings.has(key)) return;
      entry.bindings.set(key, binding);
      changed(entry);
    },
    async unbind(binding) {
      const entry = exchanges.get(binding.exchange);
      if (entry === undefined || !entry.bindings.delete(bindingIdentity(binding))) return;
      changed(entry);
      tidy(binding.exchange, entry);
    },
    onQueueDropped: (listener) => drops.listen(listener),
  };
}
