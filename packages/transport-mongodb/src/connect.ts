import {
  AuthenticationError,
  abortError,
  type BrokerTarget,
  InvalidOptionError,
  OperationalError,
  type TransportContext,
} from '@kombu/core';
import {
  type Db,
  MongoClient,
  type MongoClientOptions,
  MongoNetworkTimeoutError,
  MongoServerSelectionError,
} from 'mongodb';
import { connectionString } from './connection-string.js';
import type { ResolvedOptions } from './driver-context.js';
import { MongodbLink } from './link.js';
import { ServerClock } from './server-clock.js';
import { blank, translateError } from './translate-error.js';

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
  // Sooner than the Connection gives up: the driver knows why.
  const [selectionMs, dialMs] = [Math.ceil(connectTimeoutMs * 0.9), Math.ceil(connectTimeoutMs * 0.8)];
  return {
    ignoreUndefined: true,
    ...(options.serverSelectionTimeoutMS === undefined ? { serverSelectionTimeoutMS: selectionMs } : {}),
    ...(options.heartbeatFrequencyMS === undefined ? { heartbeatFrequencyMS: half } : {}),
    ...(options.connectTimeoutMS === undefined ? { connectTimeoutMS: Math.min(dialMs, half) } : {}),
    ...(tls === undefined ? {} : { ...tls, tls: true }),
  } as MongoClientOptions;
}

function makeClient(uri: string, target: BrokerTarget<ResolvedOptions>): MongoClient {
  try {
    return new MongoClient(uri, clientOptions(target));
  } catch (cause) {
    const message = blank((cause as Error).message.replaceAll(uri, target.scheme));
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

/** What the driver does not say: that no server is of the replica set, and what one may be that is silent. */
function hint(error: unknown, { tls, options }: BrokerTarget<ResolvedOptions>): string {
  const silent = tls === undefined ? '; it may need TLS, or not be MongoDB' : '; it may have no TLS, or not be MongoDB';
  if (error instanceof MongoNetworkTimeoutError) return silent;
  if (!(error instanceof MongoServerSelectionError)) return '';
  const servers = [...(error.reason?.servers.values() ?? [])];
  if (servers.some((server) => server.error)) return '';
  if (servers.length > 0 && servers.every((server) => server.type === 'Unknown')) return silent;
  const { replicaSet } = options;
  const others = replicaSet !== undefined && servers.every((server) => server.setName !== replicaSet);
  return others ? `; no server there is of the replica set '${replicaSet}'` : '';
}

/** Opens a link to the server of the URL that takes writes. Rejects with a translated error, every socket closed. */
export async function connect(target: BrokerTarget<ResolvedOptions>, context: TransportContext): Promise<Connected> {
  const { signal } = context;
  const { uri, database, shown } = connectionString(target);
  const client = makeClient(uri, target);
  const what = `connecting to ${shown}`;
  const close = (): void => void client.close(true).catch(() => {});
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortError(signal, what));
    signal.addEventListener('abort', abort, { once: true });
  });
  aborted.catch(() => {});
  try {
    if (signal.aborted) throw abortError(signal, what);
    await Promise.race([client.connect(), aborted, unreachable(client)]);
    const db = client.db(database);
    const clock = new ServerClock(context.clock);
    const info = await Promise.race([greet(db, context.clock.monotonic, clock), aborted]);
    return { link: new MongodbLink(client, context.logger), db, info, clock };
  } catch (error) {
    close();
    if (signal.aborted) throw abortError(signal, what);
    const { error: translated } = translateError(error, what);
    if (target.userid === undefined && translated.code === 'ERR_KOMBU_ACCESS_REFUSED')
      throw new AuthenticationError(`the URL has no user and password: ${translated.message}`, { cause: error });
    // A server that was never reached has not been lost.
    const lost = translated.code === 'ERR_KOMBU_CONNECTION_LOST';
    const more = hint(error, target);
    if (!lost && more === '') throw translated;
    const { retryable, cause } = translated;
    const message = `${translated.message}${more}`;
    throw new OperationalError(lost ? 'CONNECT_REFUSED' : 'CONNECT_TIMEOUT', message, { cause, retryable });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
