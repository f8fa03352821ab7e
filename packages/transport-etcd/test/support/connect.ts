import type { Etcd } from '@kombu/brokers';
import {
  Connection,
  type ConnectionOptions,
  silentLogger,
  systemClock,
  type TransportContext,
  uuid,
} from '@kombu/core';
import type { PutEntry, Reserved, SettleOutcome, VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { etcd } from '../../src/index.js';
import { open } from '../../src/open.js';
import type { EtcdOptions } from '../../src/options.js';
import { Sessions } from '../../src/sessions.js';

/** A connection to the server. */
export function connect(server: { readonly url: string }, options: ConnectionOptions = {}): Connection {
  return new Connection(server.url, { transport: etcd, ...options });
}

/** A driver on its own, without a Connection around it. */
export function openDriver(
  port: number,
  options: EtcdOptions & VirtualOptions = {},
  left: { readonly sessions?: Sessions; readonly connectionId?: string; readonly virtualHost?: string } = {},
): Promise<VirtualDriver> {
  const target = {
    scheme: 'etcd',
    url: `etcd://127.0.0.1:${port}`,
    hostname: '127.0.0.1',
    port,
    userid: undefined,
    password: undefined,
    virtualHost: left.virtualHost,
    tls: undefined,
    connectTimeoutMs: 5000,
    heartbeatMs: undefined,
    loginMethod: undefined,
    options,
    all: [],
  };
  const context: TransportContext = {
    signal: new AbortController().signal,
    logger: silentLogger,
    clock: systemClock,
    connectionId: left.connectionId ?? uuid(),
    warn: () => {},
    blocked: () => {},
    unblocked: () => {},
  };
  return open(target, context, left.sessions ?? new Sessions());
}

/** Opens drivers on one server, and closes all of them together. */
export function driversOf({ port }: { readonly port: number }) {
  const opened: VirtualDriver[] = [];
  return {
    async start(...args: Parameters<typeof openDriver> extends [number, ...infer R] ? R : never) {
      const driver = await openDriver(port, ...args);
      opened.push(driver);
      return driver;
    },
    async closeAll() {
      await Promise.all(opened.splice(0).map((driver) => driver.close()));
    },
  };
}

/** An entry to put, whose payload is its body. */
export function entry(queue: string, body: string, more: Partial<PutEntry> = {}): PutEntry {
  const message = {
    body: Buffer.from(body),
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    headers: {},
    properties: {},
  };
  return {
    queue,
    payload: body,
    deliveryTag: uuid(),
    priority: 0,
    expiresAt: undefined,
    bytes: 0,
    limits: undefined,
    message,
    exchange: '',
    routingKey: queue,
    ...more,
  };
}

export async function put(
  driver: VirtualDriver,
  queue: string,
  bodies: readonly string[],
  more: Partial<PutEntry> = {},
) {
  return driver.put({ entries: bodies.map((body) => entry(queue, body, more)), check: [] });
}

export async function reserve(
  driver: VirtualDriver,
  queue: string,
  max = 100,
  noAck = false,
): Promise<readonly Reserved[]> {
  const { signal } = new AbortController();
  return driver.reserve({ queues: [queue], max, leaseMs: 2000, noAck, waitMs: 0, signal });
}

/** Settles all of them the same way. */
export function end(driver: VirtualDriver, items: readonly Reserved[], outcome: SettleOutcome) {
  return driver.settle(items.map(({ queue, token }) => ({ queue, token, outcome })));
}

/** Names of all keys below `prefix`, and what they hold. */
export async function keysBelow(server: Etcd, prefix: string): Promise<Record<string, string>> {
  const text = (value: string | undefined) => Buffer.from(value ?? '', 'base64').toString();
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  const range = { key: Buffer.from(prefix).toString('base64'), range_end: end.toString('base64') };
  const found = (await server.call('kv/range', range)) as { kvs?: { key: string; value?: string }[] };
  return Object.fromEntries((found.kvs ?? []).map(({ key, value }) => [text(key), text(value)]));
}
