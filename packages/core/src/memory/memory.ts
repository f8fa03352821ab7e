import { ClosedError, type KombuError, MessageStateError, OperationalError } from '../errors/index.js';
import type { Transport } from '../transport/transport.js';
import { deferred } from '../util/deferred.js';
import { PriorityLines, type Queued } from '../util/priority-lines.js';
import { defineVirtualTransport } from '../virtual/define-transport.js';
import type { ItemFailure, PutEntry, PutResult, Reserved, StoredMessage, VirtualDriver } from '../virtual/driver.js';
import { createLocalPresence } from '../virtual/local-presence.js';
import { createLocalTopology } from '../virtual/local-topology.js';
import type { VirtualOptions } from '../virtual/transport-spec.js';

const STORED: PutResult = { failures: [], evicted: [] };

/** The memory transport, and what tests of reconnecting need of it. */
export interface MemoryTransport extends Transport<VirtualOptions> {
  /** Breaks every open link of this transport: what was reserved goes back to its queue. */
  failLinks(error?: KombuError): void;
  /** While it is true, or an error, nobody can connect. */
  refuseConnections: boolean | KombuError;
}

type Lines = PriorityLines<Item>;

/** A stored message, and its own reservation. */
class Item implements Reserved, Queued {
  readonly token = this;
  readonly home: Lines;
  readonly queue: string;
  readonly payload: StoredMessage;
  readonly priority: number;
  readonly bytes: number;
  readonly expiresAt: number | undefined;
  order = 0;
  redelivered = false;

  constructor(entry: PutEntry, home: Lines) {
    this.home = home;
    this.queue = entry.queue;
    this.payload = entry.payload as StoredMessage;
    this.priority = entry.priority;
    this.bytes = entry.bytes;
    this.expiresAt = entry.expiresAt;
  }
}

/** What all links to one broker share. */
export class Broker {
  readonly stores = { topology: createLocalTopology(), presence: createLocalPresence() };
  readonly queues = new Map<string, Lines>();
  readonly watchers = new Set<{ readonly queues: Set<string>; readonly wake: (queue: string) => void }>();

  queue(name: string): Lines {
    const lines = this.queues.get(name) ?? new PriorityLines<Item>();
    this.queues.set(name, lines);
    return lines;
  }
  wake(queue: string): void {
    for (const watcher of this.watchers) if (watcher.queues.has(queue)) watcher.wake(queue);
  }
}

export type Fail = (error?: KombuError) => void;

/** One link to a broker: the reference driver. */
export function createDriver(broker: Broker, links: Set<Fail>): VirtualDriver {
  const { queues, stores, watchers } = broker;
  const closed = deferred<KombuError | undefined>();
  const reserved = new Set<Item>();
  let gone: KombuError | undefined;

  const take = (item: Item): Item => {
    reserved.add(item);
    return item;
  };
  const putBack = (item: Item, how: 'push' | 'putBack', redelivered: boolean): void => {
    item.redelivered ||= redelivered;
    if (queues.get(item.queue) === item.home) item.home[how](item);
    broker.wake(item.queue);
  };
  const end: Fail = (error) => {
    gone ??= error ?? new ClosedError('the memory link is closed');
    links.delete(end);
    for (const item of reserved) putBack(item, 'putBack', true);
    reserved.clear();
    closed.resolve(error);
  };
  links.add(end);

  return {
    closed: closed.promise,
    limits: { queuesPerReserve: 1, maxBatch: 256, receiveWaitMs: 0, lease: 'memory', priorities: 10 },
    client: undefined,
    ...stores,
    createQueue: async ({ name }) => void broker.queue(name),
    deleteQueue: async (name) => void queues.delete(name),
    hasQueue: async (name) => queues.has(name),
    size: async (name) => queues.get(name)?.size ?? 0,
    purge: async (name) => queues.get(name)?.shiftWhile(() => true).length ?? 0,
    put({ entries }) {
      if (gone !== undefined) throw gone;
      let evicted: Item[] | undefined;
      for (const entry of entries) {
        const lines = queues.get(entry.queue) ?? broker.queue(entry.queue);
        lines.push(new Item(entry, lines));
        if (entry.limits !== undefined) {
          const { maxLength = Number.POSITIVE_INFINITY, maxLengthBytes = Number.POSITIVE_INFINITY } = entry.limits;
          const out = lines.shiftWhile((_, size, bytes) => size > maxLength || bytes > maxLengthBytes);
          if (!entry.limits.discard) evicted = [...(evicted ?? []), ...out.map(take)];
        }
        broker.wake(entry.queue);
      }
      return evicted === undefined ? STORED : { failures: [], evicted };
    },
    reserve({ queues: names, max, noAck }) {
      if (gone !== undefined) throw gone;
      const out: Reserved[] = [];
      for (const name of names) {
        while (out.length < max) {
          const item = queues.get(name)?.shift();
          if (item === undefined) break;
          out.push(noAck ? { ...item, token: undefined } : take(item));
        }
      }
      return out;
    },
    settle(items) {
      if (gone !== undefined) throw gone;
      const failures: ItemFailure[] = [];
      items.forEach(({ token, queue, outcome }, index) => {
        const item = token as Item;
        if (!reserved.delete(item)) {
          failures.push({ index, error: new MessageStateError('LEASE_LOST', `not reserved in queue '${queue}'`) });
        } else if (outcome === 'release') putBack(item, 'putBack', false);
        else if (outcome === 'requeue') putBack(item, 'push', true);
      });
      return failures;
    },
    reserveExpired({ queue, max, now }) {
      let left = max;
      const due = (first: Item): boolean => first.expiresAt !== undefined && first.expiresAt <= now && left-- > 0;
      return (queues.get(queue)?.shiftWhile(due) ?? []).map(take);
    },
    watch(wake) {
      const watcher = { queues: new Set<string>(), wake };
      watchers.add(watcher);
      return {
        add(queue) {
          watcher.queues.add(queue);
          wake(queue);
        },
        remove: (queue) => void watcher.queues.delete(queue),
        close: async () => void watchers.delete(watcher),
      };
    },
    close: async () => end(),
    destroy: () => end(),
  };
}

/** Makes a memory transport with brokers of its own; each `memory://name` is one, for all Connections of this transport. */
export function createMemoryTransport(): MemoryTransport {
  const brokers = new Map<string, Broker>();
  const links = new Set<Fail>();
  const transport = defineVirtualTransport({
    name: 'memory',
    schemes: ['memory'],
    driverName: '@kombu/core',
    options: {},
    payload: 'object',
    capabilities: {
      fanout: 'queues',
      priorities: 10,
      order: 'fifo',
      scope: 'process',
      topology: 'process',
      presence: 'process',
      lease: 'memory',
      durable: false,
      delivery: 'exactly-once',
      maxLength: true,
    },
    async open(target) {
      const { refuseConnections: why } = memory;
      if (why !== false) throw why === true ? new OperationalError('CONNECT_REFUSED', 'memory: refused') : why;
      const name = `${target.hostname ?? 'localhost'}/${target.virtualHost ?? '/'}`;
      const broker = brokers.get(name) ?? new Broker();
      brokers.set(name, broker);
      return createDriver(broker, links);
    },
  });
  const memory: MemoryTransport = Object.assign(transport, {
    refuseConnections: false,
    failLinks(error = new OperationalError('CONNECTION_LOST', 'the memory link was broken')) {
      for (const fail of [...links]) fail(error);
    },
  });
  return memory;
}

/** The memory transport: `memory://name` is a broker of this process, shared by all of its Connections to that name. */
export const memory = createMemoryTransport();
