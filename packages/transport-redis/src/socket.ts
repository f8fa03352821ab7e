import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { Redis } from 'ioredis';

/** Where a server is. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/** What every socket of a connection is opened with. */
export interface SocketOptions {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: TlsOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly socketTimeoutMs: number | undefined;
  /** Milliseconds before the first TCP keep-alive probe; undefined: off. */
  readonly keepaliveMs: number | undefined;
  readonly clientName: string | undefined;
}

/** How an address is written in messages. */
export function addressText(address: Address): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}

/**
 * Opens one socket and says who we are. Everything that ioredis does on its own is off: reconnecting, resending, queueing while
 * offline. The promise rejects with the raw error.
 */
export async function openSocket(address: Address, options: SocketOptions, signal: AbortSignal): Promise<Redis> {
  signal.throwIfAborted();
  const client = new Redis({
    ...('path' in address ? { path: address.path } : { host: address.host, port: address.port }),
    protocol: 2, // CLIENT TRACKING with REDIRECT tells nothing under RESP3
    lazyConnect: true,
    retryStrategy: null,
    reconnectOnError: null,
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: options.connectTimeoutMs,
    socketTimeout: options.socketTimeoutMs,
    keepAlive: options.keepaliveMs,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  let failure: unknown;
  client.on('error', (error) => {
    failure ??= error;
  });
  const abort = () => destroySocket(client);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
    await introduce(client, options);
    signal.throwIfAborted();
    return client;
  } catch (error) {
    destroySocket(client);
    signal.throwIfAborted();
    throw failure ?? error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** AUTH, SELECT and CLIENT SETNAME, all sent at once; ioredis would write to the console when one of them fails. */
async function introduce(client: Redis, options: SocketOptions): Promise<void> {
  const commands: string[][] = [];
  if (options.password !== undefined) {
    commands.push(['auth', ...(options.username === undefined ? [] : [options.username]), options.password]);
  }
  if (options.database !== 0) commands.push(['select', String(options.database)]);
  const required = commands.length;
  if (options.clientName !== undefined) commands.push(['client', 'setname', options.clientName]);
  const results = await Promise.allSettled(commands.map(([name = '', ...args]) => client.call(name, ...args)));
  for (const [i, result] of results.entries()) {
    if (result.status === 'fulfilled' || i >= required) continue;
    const needless = commands[i]?.[0] === 'auth' && /without any password configured/.test(String(result.reason));
    if (!needless) throw result.reason;
  }
}

/** Ends a socket at once. One that is closed already is left alone: ioredis would start a timer for it. */
export function destroySocket(client: Redis): void {
  if (client.status === 'end' || client.stream?.destroyed) return;
  client.disconnect();
  client.stream?.destroy();
}
