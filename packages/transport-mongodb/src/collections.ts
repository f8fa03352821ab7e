import { KombuError } from '@kombu/core';
import type { Collection, Db, IndexDescription, ObjectId } from 'mongodb';
import type { DeclarationDocument } from './declarations.js';
import type { BroadcastDocument, MessageDocument, RoutingDocument } from './documents.js';
import type { ResolvedOptions } from './driver-context.js';
import type { MongodbLink } from './link.js';

/** A document of the collection that tells of new messages. */
export interface SignalDocument {
  readonly _id: ObjectId;
  /** Queues that may have something. */
  readonly wake?: readonly string[];
  /** A queue that was deleted. */
  readonly dropped?: string;
}

/** What Python keeps of a queue when its option `ttl` is on. */
export interface QueueDocument {
  readonly _id: string;
  readonly options?: {
    readonly durable?: unknown;
    readonly exclusive?: unknown;
    readonly auto_delete?: unknown;
    readonly arguments?: Readonly<Record<string, unknown>> | null;
  } | null;
  readonly expire_at?: Date | null;
}

/** The collections of one broker. */
export interface Collections {
  readonly db: Db;
  readonly messages: Collection<MessageDocument>;
  readonly routing: Collection<RoutingDocument>;
  readonly broadcast: Collection<BroadcastDocument>;
  readonly queues: Collection<QueueDocument>;
  readonly declarations: Collection<DeclarationDocument>;
  readonly signals: Collection<SignalDocument>;
}

/** Size of the collection that tells of new messages: some hundreds of them, which is more than anybody falls behind. */
const SIGNALS_BYTES = 65_536;

const EXPIRY: IndexDescription = { key: { expire_at: 1 }, expireAfterSeconds: 0 };

/** What an index is called unless somebody gave it another name: the same index under two names is refused. */
function nameOf(key: IndexDescription['key'] = {}): string {
  return [...Object.entries(key)].map(([field, order]) => `${field}_${order}`).join('_');
}

/** NamespaceNotFound: a collection that is not there yet has no index. */
function unlessMissing(error: { code?: unknown }): { key?: IndexDescription['key'] }[] {
  if (error.code === 26) return [];
  throw error;
}

/** Names the collections; nothing is made yet. Routing is read where it is written, never from a member that lags behind. */
export function collectionsOf(db: Db, options: ResolvedOptions): Collections {
  const primary = { readPreference: 'primary' } as const;
  return {
    db,
    messages: db.collection(options.messagesCollection, primary),
    routing: db.collection(options.routingCollection, primary),
    broadcast: db.collection(options.broadcastCollection, primary),
    queues: db.collection(options.queuesCollection, primary),
    declarations: db.collection(options.declarationsCollection, primary),
    signals: db.collection(options.signalsCollection, primary),
  };
}

/** Makes what is missing: the indexes that Python makes as well, our own, and the capped collections. */
export async function prepare(
  link: MongodbLink,
  collections: Collections,
  options: ResolvedOptions,
  signals: boolean,
): Promise<void> {
  const { db, messages, routing, broadcast, queues, declarations } = collections;
  /** Makes the indexes that are missing, each by itself: FerretDB breaks the link when it is asked for several that are there. */
  const indexes = async (collection: Collection<never>, wanted: readonly IndexDescription[]): Promise<void> => {
    const what = `making indexes of '${collection.collectionName}'`;
    const there = await link.run(what, () => collection.indexes().catch(unlessMissing));
    const known = new Set(there.map(({ key }) => nameOf(key)));
    for (const index of wanted) {
      const name = nameOf(index.key);
      if (!known.has(name)) await link.run(what, () => collection.createIndexes([{ ...index, name }]));
    }
  };
  /** Not every server removes expired documents by itself; core does not rely on it. */
  const expiry = (collection: Collection<never>): Promise<void> =>
    indexes(collection, [EXPIRY]).catch((error: unknown) => {
      if (!KombuError.is(error, 'ERR_KOMBU_NOT_SUPPORTED')) throw error;
    });
  const capped = async (name: string, size: number): Promise<void> => {
    const make = () => db.createCollection(name, { capped: true, size });
    await link.run(`making '${name}'`, () =>
      make().catch((error: { code?: unknown }) => {
        // NamespaceExists: as somebody else made it.
        if (error.code !== 48) throw error;
      }),
    );
  };
  const any = (collection: unknown): Collection<never> => collection as Collection<never>;
  // One after the other: each that runs beside others would open a socket of its own.
  await indexes(any(messages), [
    { key: { queue: 1, priority: 1, _id: 1 } },
    { key: { locked_until: 1 }, sparse: true },
    { key: { reserved: 1 }, sparse: true },
    { key: { expires_at: 1 }, sparse: true },
  ]);
  await expiry(any(messages));
  await indexes(any(routing), [{ key: { queue: 1, exchange: 1 } }, { key: { exchange: 1 } }]);
  await indexes(any(declarations), [
    { key: { exchange: 1 }, sparse: true },
    { key: { destination: 1 }, sparse: true },
    { key: { expires_at: 1 }, sparse: true },
  ]);
  if (options.ttl) {
    await expiry(any(routing));
    await expiry(any(queues));
  }
  await capped(options.broadcastCollection, options.cappedQueueSize);
  await indexes(any(broadcast), [{ key: { queue: 1 } }]);
  if (signals) await capped(options.signalsCollection, SIGNALS_BYTES);
}
