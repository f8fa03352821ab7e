import type { KombuError } from '@kombu/core';
import type {
  ExchangeTable,
  ItemFailure,
  PutEntry,
  PutRequest,
  QueueLimits,
  Reserved,
  VirtualDriver,
} from '@kombu/core/virtual';
import { ObjectId } from 'mongodb';
import { type MessageDocument, storedPriority } from './documents.js';
import type { DriverContext } from './driver-context.js';
import { createEvict } from './evict.js';
import { readTables } from './routing-table.js';
import { translateError } from './translate-error.js';

/** What the driver tells of the documents of a batch that were not stored. */
interface BulkFailure {
  readonly writeErrors?: readonly { readonly index: number }[] | { readonly index: number };
}

/** The part of the driver that stores messages: the routing tables are compared first, in one round trip for a batch. */
export function createPut(context: DriverContext): VirtualDriver['put'] {
  const { link, collections, clock, options } = context;
  const evict = createEvict(context);

  const documentOf = (entry: PutEntry): MessageDocument => {
    const expires = entry.expiresAt === undefined ? undefined : clock.of(entry.expiresAt);
    // What is dead-lettered when it expires, the server must not remove.
    const removed = entry.deadLettersExpired ? undefined : expires;
    return {
      _id: new ObjectId(),
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

  /** Stores in order; what the server refuses is left out, and what stands behind it is stored all the same. */
  const insert = async (entries: readonly PutEntry[], signal?: AbortSignal): Promise<readonly ItemFailure[]> => {
    const failures: ItemFailure[] = [];
    for (let from = 0; from < entries.length; ) {
      const documents = entries.slice(from).map(documentOf);
      const store = () => collections.messages.insertMany(documents).then(() => undefined, refused);
      const failure = await link.run('storing messages', store, signal);
      if (failure === undefined) break;
      failures.push({ index: from + failure.at, error: failure.error });
      from += failure.at + 1;
    }
    return failures;
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
      const failures = await insert(entries, o?.signal);
      const evicted: Reserved[] = [];
      for (const [queue, limits] of limitsOf(entries)) evicted.push(...(await evict(queue, limits)));
      for (const queue of new Set(entries.map((entry) => entry.queue))) context.wake(queue);
      return { failures, evicted };
    });
}

/** Which document of a batch the server refused, and why; throws what was not about one. */
function refused(thrown: unknown): { readonly at: number; readonly error: KombuError } {
  const { writeErrors } = thrown as BulkFailure;
  const [first] = Array.isArray(writeErrors) ? writeErrors : [writeErrors];
  if (first === undefined) throw thrown;
  return { at: first.index, error: translateError(thrown, 'storing a message').error };
}
