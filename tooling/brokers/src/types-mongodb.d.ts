import type { Broker, Unavailable } from './types.d.ts';

/** One server with MongoDB's protocol. */
export interface Mongodb extends Broker {
  /** What it is, for reports: `mongod 7.0.24`, `FerretDB 1.24.0 with SQLite`. */
  readonly product: string;
  /** The name of the replica set that it is a member of. */
  readonly replicaSet: string | undefined;
  /** How many clients are connected. */
  readonly connectionCount?: () => Promise<number>;
  /** How often each command was sent to it; where there is a relay in front of it that counts. */
  readonly commands?: ReadonlyMap<string, number>;
}

/** Several mongod that make one broker. */
export interface MongodbReplicaSet extends Mongodb {
  readonly nodes: readonly Mongodb[];
  /** The node that takes writes. */
  primary(): Promise<Mongodb>;
  /** Has the primary step down, and waits until another one is there. */
  stepDown(): Promise<void>;
}

export interface MongodbOptions {
  /** Asks clients for it; the user is `kombu`. */
  readonly password?: string;
  /** How long the server may take to be ready; default 30000. */
  readonly timeoutMs?: number;
}

/**
 * Starts a MongoDB server, found as `KOMBU_TEST_MONGODB_URL`, as mongod on the PATH, in Docker, by MongoDB's download, or FerretDB,
 * built from its Go module once. FerretDB has no change streams, transactions, replica sets or expiry of documents.
 */
export function startMongodb(options?: MongodbOptions): Promise<Mongodb | Unavailable>;
/** Starts a replica set, where there is a mongod. */
export function startMongodbReplicaSet(options?: {
  readonly members?: number;
  readonly timeoutMs?: number;
}): Promise<MongodbReplicaSet | Unavailable>;
