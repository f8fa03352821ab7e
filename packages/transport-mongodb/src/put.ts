import type { ExchangeTable, PutEntry, PutRequest, QueueLimits, Reserved, VirtualDriver } from '@kombu/core/virtual';
import { type MessageDocument, storedPriority } from './documents.js';
import type { DriverContext } from './driver-context.js';
import { createEvict } from './evict.js';
import { insertEach } from './insert-each.js';
import { readTables } from './routing-table.js';

/** The part of the driver that stores messages: the routing tables are compared first, in one round trip for a batch. */
export function createPut(context: DriverContext): VirtualDriver['put'] {
  const { link, collections, clock, ids, options } = context;
  const evict = createEvict(context);

  const documentOf = (entry: PutEntry): MessageDocument => {
    const expires = entry.expiresAt === undefined ? undefined : clock.of(entry.expiresAt);
    // What is dead-lettered when it expires, the server must not remove.
    const removed = entry.deadLettersExpired ? undefined : expires;
    return {
      _id: ids.next(),
      payload: entry.payload as string,
      queue: entry.queue,
      priority: storedPriority(entry.priority),
      ...(removed === undefined ? (options.ttl ? { expire_at: null } : {}) : { expire_at: removed }),
      ...(expires === undefined ? {} : { expires_at: expires }),
      ...(entry.limits === undefined ? {} : { bytes: entry.bytes }),
    };
  };

  const stale = async (check: PutRequest['check'], signal?: AbortSignal): Promise<readonly ExchangeTable[]> => {
    const names = check.map(({ exchange }) => exchange);
    const tables = await readTables(link, collections, names, signal);
    return tables.filter((table, i) => table.version !== check[i]?.version);
  };

  const limitsOf = (entries: readonly PutEntry[]): ReadonlyMap<string, QueueLimits> => {
    const limits = new Map<string, QueueLimits>();
    // The newest is what the queue's arguments are.
    for (const { queue, limits: given } of entries) if (given !== undefined) limits.set(queue, given);
    return limits;
  };

  return ({ entries, check }, o) =>
    context.inTurn(async () => {
      const changed = check.length === 0 ? [] : await stale(check, o?.signal);
      if (changed.length > 0) return { failures: [], evicted: [], stale: changed, stored: false };
      const documents = entries.map(documentOf);
      const failures = await insertEach(link, collections.messages, documents, 'storing messages', o?.signal);
      const evicted: Reserved[] = [];
      for (const [queue, limits] of limitsOf(entries)) evicted.push(...(await evict(queue, limits)));
      for (const queue of new Set(entries.map((entry) => entry.queue))) context.wake(queue);
      return { failures, evicted };
    });
}
