import {
  abortError,
  type BrokerTarget,
  InvalidOptionError,
  OperationalError,
  type TransportContext,
} from '@kombu/core';
import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';
import { connectionString } from './connection-string.js';
import type { ResolvedOptions } from './driver-context.js';
import { MongodbLink } from './link.js';
import { ServerClock } from './server-clock.js';
import { translateError } from './translate-error.js';

/** How long a server may be silent where the connection says nothing else. */
const HEARTBEAT_MS = 20_000;
/** The driver asks no server more often than this. */
const SHORTEST_HEARTBEAT_MS = 500;
/** Larger than the documents that any server takes. */
const DOCUMENT_BYTES = 16 * 1024 * 1024;

/** What the server is, as it says itself. */
export interface ServerInfo {
  readonly version: string;
  /**
   * How it tells of changes: members of replica sets and routers of sharded clusters by change streams, single servers by waiting
   * at the end of a capped collection. FerretDB does that by reading the whole of it a hundred times a second: it is polled.
   */
  readonly tells: 'change streams' | 'tails' | 'nothing';
  readonly maxDocumentBytes: number;
}

/** A link that was just opened. */
export interface Connected {
  readonly link: MongodbLink;
  readonly db: Db;
  readonly info: ServerInfo;
  readonly clock: ServerClock;
}

function clientOptions(target: BrokerTarget<ResolvedOptions>): MongoClientOptions {
  const { connectTimeoutMs, heartbeatMs = HEARTBEAT_MS, tls, options } = target;
  // A dead link is noticed when a probe, sent every half heartbeat, has not been answered for another half.
  const half = Math.max(SHORTEST_HEARTBEAT_MS, (heartbeatMs || 24 * 3_600_000) / 2);
  return {
    ignoreUndefined: true,
    ...(options.serverSelectionTimeoutMS === undefined ? { serverSelectionTimeoutMS: connectTimeoutMs } : {}),
    ...(options.heartbeatFrequencyMS === undefined ? { heartbeatFrequencyMS: half } : {}),
    ...(options.connectTimeoutMS === undefined ? { connectTimeoutMS: Math.min(connectTimeoutMs, half) } : {}),
    ...(tls === undefined ? {} : { ...tls, tls: true }),
  } as MongoClientOptions;
}

function makeClient(uri: string, target: BrokerTarget<ResolvedOptions>): MongoClient {
  try {
    return new MongoClient(uri, clientOptions(target));
  } catch (cause) {
    const message = (cause as Error).message.replaceAll(uri, target.scheme);
    throw new InvalidOptionError(`the ${target.scheme}:// URL or its options cannot be used: ${message}`);
  }
}

/** Asks the server what it is and what time it has. */
async function greet(db: Db, now: () => number, clock: ServerClock): Promise<ServerInfo> {
  const sent = now();
  const hello = await db.admin().command({ hello: 1 });
  clock.learn(hello.localTime instanceof Date ? hello.localTime : new Date(), sent, now());
  const { version, ferretdbVersion } = await db.admin().command({ buildInfo: 1 });
  const single = ferretdbVersion === undefined ? 'tails' : 'nothing';
  return {
    version: String(version),
    tells: typeof hello.setName === 'string' || hello.msg === 'isdbgrid' ? 'change streams' : single,
    maxDocumentBytes: Math.min(DOCUMENT_BYTES, Number(hello.maxBsonObjectSize) || DOCUMENT_BYTES),
  };
}

/** Rejects as soon as every server was tried and none could be reached: the driver goes on trying, but Connection does that. */
function unreachable(client: MongoClient): Promise<never> {
  return new Promise((_, reject) => {
    client.on('topologyDescriptionChanged', ({ newDescription }) => {
      const errors = [...newDescription.servers.values()].map(({ error }) => error);
      if (errors.length > 0 && errors.every(Boolean)) reject(errors[0]);
    });
  });
}

/** Opens a link to the server of the URL that takes writes. Rejects with a translated error, every socket closed. */
export async function connect(target: BrokerTarget<ResolvedOptions>, context: TransportContext): Promise<Connected> {
  const { signal } = context;
  const { uri, database, shown } = connectionString(target);
  const client = makeClient(uri, target);
  const what = `connecting to ${shown}`;
  const close = (): void => void client.close(true).catch(() => {});
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(abortError(signal, what)), { once: true });
  });
  aborted.catch(() => {});
  try {
    if (signal.aborted) throw abortError(signal, what);
    await Promise.race([client.connect(), aborted, unreachable(client)]);
    const db = client.db(database);
    const clock = new ServerClock(context.clock.now);
    const info = await Promise.race([greet(db, context.clock.now, clock), aborted]);
    return { link: new MongodbLink(client, context.logger), db, info, clock };
  } catch (error) {
    close();
    if (signal.aborted) throw abortError(signal, what);
    const { error: translated } = translateError(error, what);
    // A server that was never reached has not been lost.
    if (translated.code !== 'ERR_KOMBU_CONNECTION_LOST') throw translated;
    throw new OperationalError('CONNECT_REFUSED', translated.message, { cause: translated.cause });
  }
}
