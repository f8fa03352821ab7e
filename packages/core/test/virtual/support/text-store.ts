import { InconsistencyError, type KombuError, MessageStateError, OperationalError } from '../../../src/errors/index.js';
import { deferred } from '../../../src/util/deferred.js';
import { uuid } from '../../../src/util/id.js';
import type { BroadcastStore } from '../../../src/virtual/broadcast-store.js';
import type {
  DriverLimits,
  ItemFailure,
  PutEntry,
  PutRequest,
  PutResult,
  Reserved,
  ReserveRequest,
  Settlement,
  VirtualDriver,
} from '../../../src/virtual/driver.js';
import type { FanoutStore } from '../../../src/virtual/fanout-store.js';
import type { PresenceEntry, PresenceStore } from '../../../src/virtual/presence-store.js';
import type { BindingRecord, ExchangeRecord, QueueRecord, TopologyStore } from '../../../src/virtual/topology-store.js';

/** A message as the store keeps it. */
export interface TextEntry {
  readonly queue: string;
  readonly payload: string;
  readonly priority: number;
  readonly expiresAt: number | undefined;
  attempts: number;
}

interface Reservation {
  readonly entry: TextEntry;
  readonly link: object;
  until: number;
}

interface StoredExchange {
  record: ExchangeRecord | undefined;
  bindings: BindingRecord[];
  version: number;
}

/** A broker that lives outside of the library: keeps JSON text, answers later, hides what is reserved for a lease. */
export class TextStore {
  readonly queues = new Map<string, TextEntry[]>();
  readonly reserved = new Map<string, Reservation>();
  readonly exchanges = new Map<string, StoredExchange>();
  readonly records = new Map<string, QueueRecord>();
  readonly consumers = new Map<string, PresenceEntry & { until: number }>();
  readonly claims = new Map<string, { owner: string; until: number }>();
  readonly watchers = new Set<{ queues: Set<string>; wake: (queue: string) => void }>();
  readonly subscribers = new Set<{ exchange: string; deliver: (payload: string) => void }>();
  readonly fanouts = new Map<string, Set<string>>();
  readonly links = new Set<(error: KombuError) => void>();
  /** What was asked of it, in order. */
  readonly calls: { readonly name: string; readonly count: number }[] = [];
  /** Every answer waits for this. */
  pause: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve));
  /** Answers of `reserve` wait for this too. */
  reservePause: (() => Promise<void>) | undefined;
  versions = 0;

  count(name: string): number {
    return this.calls.filter((call) => call.name === name).length;
  }

  /** When queues with `x-expires` count as unused, on the scale of `performance.now()`. */
  readonly unusedFrom = new Map<string, number>();

  failLinks(error: KombuError = new OperationalError('CONNECTION_LOST', 'the store went away')): void {
    for (const fail of [...this.links]) fail(error);
  }

  queue(name: string): TextEntry[] {
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    return queue;
  }

  wake(queue: string): void {
    for (const watcher of this.watchers) if (watcher.queues.has(queue)) setImmediate(() => watcher.wake(queue));
  }

  /** Takes the next one; 9 first. */
  shift(name: string): TextEntry | undefined {
    const queue = this.queues.get(name) ?? [];
    let best = -1;
    for (const [i, entry] of queue.entries()) if (best < 0 || entry.priority > (queue[best]?.priority ?? 0)) best = i;
    return best < 0 ? undefined : queue.splice(best, 1)[0];
  }
}

export interface TextStoreOptions {
  readonly limits?: Partial<DriverLimits>;
  readonly watch?: boolean;
  readonly topology?: boolean;
  readonly presence?: boolean;
  readonly broadcast?: boolean;
  /** It copies fanout messages into bound queues by itself. */
  readonly fanout?: boolean;
  /** A reserve that is told to wait does not. */
  readonly waitless?: boolean;
}

/** One link to a {@link TextStore}. */
export function createTextDriver(store: TextStore, options: TextStoreOptions = {}): VirtualDriver {
  const link = {};
  const closed = deferred<KombuError | undefined>();
  let gone: KombuError | undefined;
  const end = (error?: KombuError): void => {
    gone ??= error ?? new OperationalError('CONNECTION_LOST', 'the link is closed');
    store.links.delete(end);
    closed.resolve(error);
  };
  store.links.add(end);

  /** One round trip. */
  const ask = async <T>(name: string, count: number, work: () => T): Promise<T> => {
    if (gone !== undefined) throw gone;
    store.calls.push({ name, count });
    await store.pause();
    if (gone !== undefined) throw gone;
    return work();
  };
  const toReserved = (entry: TextEntry, leaseMs: number): Reserved => {
    const token = uuid();
    store.reserved.set(token, { entry, link, until: performance.now() + leaseMs });
    return { queue: entry.queue, token, payload: entry.payload, attempts: entry.attempts, expiresAt: entry.expiresAt };
  };
  const lost = (index: number): ItemFailure => ({ index, error: new MessageStateError('LEASE_LOST', 'not yours') });

  const put = ({ entries, check }: PutRequest): PutResult => {
    const changed = check.filter(({ exchange, version }) => (store.exchanges.get(exchange)?.version ?? 0) !== version);
    if (changed.length > 0) {
      const stale = changed.map(({ exchange: name }) => {
        const known = store.exchanges.get(name);
        return { name, record: known?.record, bindings: [...(known?.bindings ?? [])], version: known?.version ?? 0 };
      });
      return { failures: [], evicted: [], stale, stored: false };
    }
    const evicted: Reserved[] = [];
    for (const one of entries) {
      const queue = store.queue(one.queue);
      queue.push(toEntry(one));
      const { maxLength, maxLengthBytes } = one.limits ?? {};
      const tooMuch = (): boolean =>
        queue.length > (maxLength ?? Number.POSITIVE_INFINITY) ||
        queue.reduce((sum, entry) => sum + bodyBytes(entry.payload), 0) > (maxLengthBytes ?? Number.POSITIVE_INFINITY);
      while (queue.length > 0 && tooMuch()) {
        const out = queue.shift();
        if (out !== undefined && !one.limits?.discard) evicted.push(toReserved(out, 60_000));
      }
      store.wake(one.queue);
    }
    return { failures: [], evicted };
  };

  const reserve = ({ queues, max, leaseMs, noAck }: ReserveRequest): Reserved[] => {
    const out: Reserved[] = [];
    for (const name of queues) {
      while (out.length < max) {
        const entry = store.shift(name);
        if (entry === undefined) break;
        out.push(noAck ? { ...entry, token: undefined } : toReserved(entry, leaseMs));
      }
    }
    return out;
  };

  const settle = (items: readonly Settlement[]): ItemFailure[] => {
    const failures: ItemFailure[] = [];
    const front: TextEntry[] = [];
    for (const [index, { token, outcome }] of items.entries()) {
      const held = store.reserved.get(token as string);
      if (held === undefined) {
        failures.push(lost(index));
        continue;
      }
      store.reserved.delete(token as string);
      const { entry } = held;
      if (outcome === 'requeue') {
        entry.attempts++;
        store.queue(entry.queue).push(entry);
      } else if (outcome === 'release') front.push(entry);
      if (outcome !== 'ack' && outcome !== 'drop') store.wake(entry.queue);
    }
    for (const entry of front.reverse()) store.queue(entry.queue).unshift(entry);
    return failures;
  };

  return {
    closed: closed.promise,
    limits: {
      queuesPerReserve: 10,
      maxBatch: 50,
      receiveWaitMs: 0,
      lease: 'message',
      priorities: 10,
      ...options.limits,
    },
    client: store,
    createQueue: ({ name }) => ask('createQueue', 1, () => void store.queue(name)),
    deleteQueue: (name) =>
      ask('deleteQueue', 1, () => {
        store.queues.delete(name);
        for (const [token, { entry }] of store.reserved) if (entry.queue === name) store.reserved.delete(token);
      }),
    hasQueue: (name) => ask('hasQueue', 1, () => store.queues.has(name)),
    size: (name) => ask('size', 1, () => store.queues.get(name)?.length ?? 0),
    purge: (name) => ask('purge', 1, () => store.queues.get(name)?.splice(0).length ?? 0),
    put: (request) => ask('put', request.entries.length, () => put(request)),
    async reserve(request) {
      if (gone !== undefined) throw gone;
      store.calls.push({ name: 'reserve', count: request.max });
      await store.pause();
      if (gone !== undefined) throw gone;
      let got = reserve(request);
      if (got.length === 0 && request.waitMs > 0 && !options.waitless) {
        store.calls.push({ name: 'wait', count: request.waitMs });
        const until = performance.now() + request.waitMs;
        while (got.length === 0 && performance.now() < until && !request.signal.aborted && gone === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 2));
          got = reserve(request);
        }
      }
      await store.reservePause?.();
      if (gone !== undefined) throw gone;
      return got;
    },
    settle: (items) => ask('settle', items.length, () => settle(items)),
    extend: (items, leaseMs) =>
      ask('extend', items.length, () => {
        const failures: ItemFailure[] = [];
        for (const [index, { token }] of items.entries()) {
          const held = store.reserved.get(token as string);
          if (held === undefined) failures.push(lost(index));
          else held.until = performance.now() + leaseMs;
        }
        return failures;
      }),
    recover: ({ limit }) =>
      ask('recover', limit, () => {
        let count = 0;
        for (const [token, { entry, until }] of store.reserved) {
          if (count >= limit || until > performance.now()) continue;
          store.reserved.delete(token);
          entry.attempts++;
          store.queue(entry.queue).unshift(entry);
          store.wake(entry.queue);
          count++;
        }
        return count;
      }),
    reserveExpired: ({ queue, max, now, leaseMs }) =>
      ask('reserveExpired', max, () => {
        const all = store.queues.get(queue) ?? [];
        const out: Reserved[] = [];
        while (out.length < max && all[0]?.expiresAt !== undefined && all[0].expiresAt <= now) {
          const first = all.shift();
          if (first !== undefined) out.push(toReserved(first, leaseMs));
        }
        return out;
      }),
    ...(options.watch === false
      ? {}
      : {
          watch(wake: (queue: string) => void) {
            const watcher = { queues: new Set<string>(), wake };
            store.watchers.add(watcher);
            return {
              add(queue: string) {
                watcher.queues.add(queue);
                wake(queue);
              },
              remove: (queue: string) => void watcher.queues.delete(queue),
              close: async () => void store.watchers.delete(watcher),
            };
          },
        }),
    ...(options.topology === false ? {} : { topology: textTopology(store, ask) }),
    ...(options.presence === false ? {} : { presence: textPresence(store, ask) }),
    ...(options.broadcast ? { broadcast: textBroadcast(store, ask) } : {}),
    ...(options.fanout ? { fanout: textFanout(store, ask) } : {}),
    close: async () => end(),
    destroy: () => end(),
  };
}

type Ask = <T>(name: string, count: number, work: () => T) => Promise<T>;

function toEntry(entry: PutEntry): TextEntry {
  if (typeof entry.payload !== 'string') throw new InconsistencyError('this store keeps text');
  const { queue, payload, priority, expiresAt } = entry;
  return { queue, payload, priority, expiresAt, attempts: 0 };
}

function bodyBytes(payload: string): number {
  return Buffer.from((JSON.parse(payload) as { body: string }).body, 'base64').length;
}

function textTopology(store: TextStore, ask: Ask): TopologyStore {
  const exchange = (name: string): StoredExchange => {
    const known = store.exchanges.get(name) ?? { record: undefined, bindings: [], version: ++store.versions };
    store.exchanges.set(name, known);
    return known;
  };
  const same = (a: BindingRecord, b: BindingRecord): boolean =>
    a.destination === b.destination &&
    a.destinationType === b.destinationType &&
    a.routingKey === b.routingKey &&
    JSON.stringify(a.arguments) === JSON.stringify(b.arguments);
  const dropTo = (type: string, name: string): string[] => {
    const touched: string[] = [];
    for (const [source, known] of store.exchanges) {
      const left = known.bindings.filter((b) => b.destinationType !== type || b.destination !== name);
      if (left.length === known.bindings.length) continue;
      known.bindings = left;
      known.version = ++store.versions;
      touched.push(source);
    }
    return touched;
  };
  return {
    loadExchange: (name) =>
      ask('loadExchange', 1, () => {
        const known = store.exchanges.get(name);
        if (known === undefined) return undefined;
        return { name, record: known.record, bindings: [...known.bindings], version: known.version };
      }),
    saveExchange: (record) =>
      ask('saveExchange', 1, () => {
        const known = exchange(record.name);
        known.record ??= record;
        return known.record;
      }),
    dropExchange: (name) =>
      ask('dropExchange', 1, () => {
        store.exchanges.delete(name);
        return dropTo('exchange', name);
      }),
    loadQueue: (name) => ask('loadQueue', 1, () => store.records.get(name)),
    saveQueue: (record) =>
      ask('saveQueue', 1, () => {
        const there = store.records.get(record.name) ?? record;
        store.records.set(record.name, there);
        return there;
      }),
    dropQueue: (name) =>
      ask('dropQueue', 1, () => {
        store.records.delete(name);
        return dropTo('queue', name);
      }),
    bind: (binding) =>
      ask('bind', 1, () => {
        const known = exchange(binding.exchange);
        if (known.bindings.some((other) => same(other, binding))) return;
        known.bindings.push(binding);
        known.version = ++store.versions;
      }),
    unbind: (binding) =>
      ask('unbind', 1, () => {
        const known = exchange(binding.exchange);
        known.bindings = known.bindings.filter((other) => !same(other, binding));
        known.version = ++store.versions;
      }),
  };
}

/** Copies of its own, to the queues that any link has bound. */
function textFanout(store: TextStore, ask: Ask): FanoutStore {
  const bound = (exchange: string): Set<string> => {
    const queues = store.fanouts.get(exchange) ?? new Set();
    store.fanouts.set(exchange, queues);
    return queues;
  };
  return {
    publish: (entries) =>
      ask('publish', entries.length, () => {
        for (const { exchange, payload, routingKey } of entries) {
          for (const queue of routingKey === 'refused' ? [] : bound(exchange)) {
            store.queue(queue).push({ queue, payload, priority: 0, expiresAt: undefined, attempts: 0 });
            store.wake(queue);
          }
        }
        return entries.flatMap(({ routingKey }, index) =>
          routingKey === 'refused' ? [{ index, error: new OperationalError('NACKED', 'not this one') }] : [],
        );
      }),
    bind: ({ exchange, destination }) => ask('bindFanout', 1, () => void bound(exchange).add(destination)),
    unbind: ({ exchange, destination }) => ask('unbindFanout', 1, () => void bound(exchange).delete(destination)),
    drop: (exchange) => ask('dropFanout', 1, () => void store.fanouts.delete(exchange)),
  };
}

function textPresence(store: TextStore, ask: Ask): PresenceStore {
  const live = (queue: string): (PresenceEntry & { until: number })[] => {
    for (const [id, { until }] of store.consumers) if (until <= performance.now()) store.consumers.delete(id);
    return [...store.consumers.values()].filter((one) => one.queue === queue);
  };
  const claim = (queue: string): string | undefined => {
    const held = store.claims.get(queue);
    return held !== undefined && held.until > performance.now() ? held.owner : undefined;
  };
  return {
    join: (entry, ttlMs) =>
      ask('join', 1, () => {
        if (live(entry.queue).some((other) => entry.exclusive || other.exclusive)) return false;
        store.consumers.set(entry.consumer, { ...entry, until: performance.now() + ttlMs });
        return true;
      }),
    leave: (queue, consumer) =>
      ask('leave', 1, () => {
        store.consumers.delete(consumer);
        return live(queue).length;
      }),
    count: (queue) => ask('count', 1, () => live(queue).length),
    renew: (entries, ttlMs) =>
      ask('renew', entries.length, () => {
        for (const { consumer } of entries) {
          const known = store.consumers.get(consumer);
          if (known !== undefined) known.until = performance.now() + ttlMs;
        }
      }),
    claim: (queue, owner, ttlMs) =>
      ask('claim', 1, () => {
        const holder = claim(queue);
        if (holder !== undefined && holder !== owner) return false;
        store.claims.set(queue, { owner, until: performance.now() + ttlMs });
        return true;
      }),
    claimedBy: (queue) => ask('claimedBy', 1, () => claim(queue)),
    unclaim: (queue, owner) =>
      ask('unclaim', 1, () => {
        if (claim(queue) === owner) store.claims.delete(queue);
      }),
    async touch(queue, expiresMs) {
      store.unusedFrom.set(queue, performance.now() + expiresMs);
    },
  };
}

function textBroadcast(store: TextStore, ask: Ask): BroadcastStore {
  return {
    publish: (entries) =>
      ask('broadcast', entries.length, () => {
        for (const { exchange, payload } of entries) {
          for (const one of store.subscribers) if (one.exchange === exchange) setImmediate(() => one.deliver(payload));
        }
      }),
    subscribe: ({ exchange }, deliver) =>
      ask('subscribe', 1, () => {
        const subscriber = { exchange, deliver };
        store.subscribers.add(subscriber);
        return { close: async () => void store.subscribers.delete(subscriber) };
      }),
  };
}
