import { it } from '@jest/globals';
import { isUnavailable, type Mongodb, type MongodbOptions, startMongodb } from '@kombu/brokers';
import { type Collection, type Db, type Document, MongoClient } from 'mongodb';

/** A server, and a client of its own to look into it. */
export interface TestServer {
  readonly broker: Mongodb;
  /** A URL of a database. */
  url(database?: string): string;
  readonly client: MongoClient;
  readonly db: Db;
  collection(name: string): Collection<Document>;
  /** Removes everything of the default database. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server, or tells why there is none: the reason that a suite is skipped with. */
export async function startServer(options: MongodbOptions = {}): Promise<TestServer | string> {
  const broker = await startMongodb(options);
  if (isUnavailable(broker)) return broker.unavailable;
  const client = new MongoClient(broker.url);
  const url = (database = 'kombu_default'): string => broker.url.replace(/\/(\?|$)/, `/${database}$1`);
  const db = client.db('kombu_default');
  return {
    broker,
    url,
    client,
    db,
    collection: (name) => db.collection(name),
    async clear() {
      for (const name of ['messages', 'messages.routing', 'messages.queues', 'messages.declarations']) {
        await db.collection(name).deleteMany({});
      }
    },
    async close() {
      await client.close();
      await broker.close();
    },
  };
}

/** Registers that a suite cannot run here. */
export function skipped(reason: string): void {
  it.skip(`skipped: ${reason}`, () => {});
}
