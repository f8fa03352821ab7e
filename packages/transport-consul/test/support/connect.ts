import { type Consul, until } from '@kombu/brokers';
import { Connection, type ConnectionOptions, type Message, type Queue } from '@kombu/core';
import type Client from 'consul';
import { consul } from '../../src/index.js';

/** Retries at once, for tests. */
const RECONNECT = { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 };

/** A connection to a server of the tests, or to a port in front of it. */
export function connect(
  server: Pick<Consul, 'url'>,
  options: Omit<ConnectionOptions, 'transportOptions'> & { transportOptions?: object } = {},
): Connection {
  return new Connection(server.url, {
    transport: consul,
    reconnect: RECONNECT,
    ...options,
  } as ConnectionOptions);
}

/** The URL with another port. */
export function through(server: Pick<Consul, 'url' | 'port'>, port: number): { readonly url: string } {
  return { url: server.url.replace(`:${server.port}/`, `:${port}/`) };
}

/** The calls that a connection makes from now on: method and path, such as `txn`. */
export function calls(connection: Connection): string[] {
  const paths: string[] = [];
  (connection.driver as Client & NodeJS.EventEmitter).on('log', (tags: string[], request: { path?: string }) => {
    if (tags[1] === 'request' && tags.length === 4) paths.push((request.path ?? '').replace(/^\/v1\//, ''));
  });
  return paths;
}

/** Gets a message that has to come. */
export function fetched(connection: Connection, queue: Queue, timeoutMs = 10_000): Promise<Message> {
  return until(() => queue.bind(connection).get(), { what: `a message in ${queue.name}`, timeoutMs });
}

/** The names of all keys below a prefix. */
export async function keysBelow(server: Consul, prefix: string): Promise<string[]> {
  return (await server.call('GET', `kv/${encodeURIComponent(prefix)}?keys`)) ?? [];
}
