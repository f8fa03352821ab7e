import type { Op } from '../transport/channel.js';
import type { ExchangeKind, Router } from './exchange-kinds.js';
import { predeclaredType } from './exchange-kinds.js';
import { type QueueSettings, settingsOf } from './queue-arguments.js';
import type { ExchangeRecord, ExchangeTable, QueueRecord, TopologyStore } from './topology-store.js';

/** How long what is known of a queue is believed, where nothing tells of changes. */
const QUEUE_MAX_AGE_MS = 1000;
/** Above so many entries a cache starts anew. */
const MAX_ENTRIES = 10_000;

/** A routing table, ready to route by. */
export interface CompiledExchange {
  readonly name: string;
  readonly type: string;
  readonly record: ExchangeRecord | undefined;
  readonly table: ExchangeTable;
  readonly router: Router;
  readonly byKeyOnly: boolean;
}

/** A queue that messages go to, and what its arguments make of them. */
export interface Destination {
  readonly queue: string;
  readonly record: QueueRecord | undefined;
  readonly settings: QueueSettings;
}

/**
 * Routing tables and queue records as this link knows them. With a topology of this process they are always current; else
 * they are as they were when they were read, and the put that uses them checks their versions.
 */
export class BindingCache {
  readonly #topology: TopologyStore;
  readonly #kinds: ReadonlyMap<string, ExchangeKind>;
  readonly #now: () => number;
  #exchanges = new Map<string, CompiledExchange>();
  #queues = new Map<string, { readonly destination: Destination; readonly until: number }>();
  #revision = -1;
  #epoch = 0;

  constructor(topology: TopologyStore, kinds: ReadonlyMap<string, ExchangeKind>, now: () => number) {
    this.#topology = topology;
    this.#kinds = kinds;
    this.#now = now;
  }

  /** Whether everything is known at once and always current. */
  get isLocal(): boolean {
    return this.#topology.view !== undefined;
  }

  /** Changes whenever anything that was known does: what was derived from it is to be made again. */
  get epoch(): number {
    const view = this.#topology.view;
    if (view !== undefined && view.revision !== this.#revision) this.#refresh(view.revision);
    return this.#epoch;
  }

  /** The local topology has changed: what was kept of queues may be wrong. */
  #refresh(revision: number): void {
    this.#revision = revision;
    this.#queues.clear();
    this.#epoch++;
  }

  /** What is known of an exchange; undefined: it has to be loaded (or, with a local topology, is not there). */
  exchange(name: string): CompiledExchange | undefined {
    const view = this.#topology.view;
    const known = this.#exchanges.get(name);
    if (view === undefined) return known;
    const table = view.exchange(name) ?? this.#emptyTable(name);
    if (table === undefined) return undefined;
    if (
      known !== undefined &&
      (known.table === table || (table.version === undefined && known.table.version === undefined))
    ) {
      return known;
    }
    return this.#keep(table);
  }

  /** What is known of a queue; undefined: it has to be loaded. */
  queue(name: string): Destination | undefined {
    const view = this.#topology.view;
    if (view !== undefined && view.revision !== this.#revision) this.#refresh(view.revision);
    const known = this.#queues.get(name);
    if (known !== undefined && (view !== undefined || known.until > this.#now())) return known.destination;
    return view === undefined ? undefined : this.#keepQueue(name, view.queue(name));
  }

  /** Reads an exchange from the store, never earlier than this call; undefined: neither declared nor bound to. */
  async load(name: string, o?: Op): Promise<CompiledExchange | undefined> {
    const table = (await this.#topology.loadExchange(name, o)) ?? this.#emptyTable(name);
    if (table !== undefined) return this.#keep(table);
    if (this.#exchanges.delete(name)) this.#epoch++;
    return undefined;
  }

  /** Reads a queue's record from the store. */
  async loadQueue(name: string, o?: Op): Promise<Destination> {
    return this.#keepQueue(name, await this.#topology.loadQueue(name, o));
  }

  /** Takes over tables that the store found changed. */
  update(tables: readonly ExchangeTable[]): void {
    for (const table of tables) {
      const gone =
        table.record === undefined && table.bindings.length === 0 && predeclaredType(table.name) === undefined;
      if (gone) this.forget(table.name);
      else this.#keep(table);
    }
  }

  /** Forgets an exchange or a queue that this link has changed. */
  forget(name: string): void {
    this.#exchanges.delete(name);
    this.#queues.delete(name);
    this.#epoch++;
  }

  #emptyTable(name: string): ExchangeTable | undefined {
    return predeclaredType(name) === undefined
      ? undefined
      : { name, record: undefined, bindings: [], version: undefined };
  }

  #keep(table: ExchangeTable): CompiledExchange {
    const { name, record } = table;
    // Without a record only bindings are known. A topic table routes literal keys as a direct one does.
    const type = record?.type ?? predeclaredType(name) ?? 'topic';
    const kind = this.#kinds.get(type) ?? this.#kinds.get('direct');
    if (kind === undefined) throw new TypeError(`no exchange kind for '${type}'`);
    const router = kind.compile(table.bindings);
    const compiled = { name, type, record, table, router, byKeyOnly: kind.byKeyOnly === true };
    if (this.#exchanges.size >= MAX_ENTRIES) this.#exchanges.clear();
    this.#exchanges.set(name, compiled);
    if (this.#topology.view === undefined) {
      for (const b of table.bindings) if (b.destinationType === 'queue') this.#queues.delete(b.destination);
    }
    this.#epoch++;
    return compiled;
  }

  #keepQueue(name: string, record: QueueRecord | undefined): Destination {
    const destination = { queue: name, record, settings: settingsOf(record) };
    if (this.#queues.size >= MAX_ENTRIES) this.#queues.clear();
    this.#queues.set(name, { destination, until: this.#now() + QUEUE_MAX_AGE_MS });
    return destination;
  }
}
