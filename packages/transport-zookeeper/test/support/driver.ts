import { type BrokerTarget, type KombuError, silentLogger, systemClock, uuid } from '@kombu/core';
import type { PutEntry, Reserved, ReserveRequest, VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { open } from '../../src/open.js';
import type { ZookeeperOptions } from '../../src/options.js';
import { Sessions } from '../../src/session.js';

type Options = ZookeeperOptions & VirtualOptions;

/** Opens a driver on its own, without a Connection around it. */
export async function openDriver(
  port: number,
  {
    options = {},
    connectionId = uuid(),
    sessions = new Sessions(),
    ...more
  }: { options?: Options; connectionId?: string; sessions?: Sessions } & Partial<BrokerTarget<Options>> = {},
): Promise<VirtualDriver & { readonly warnings: readonly KombuError[] }> {
  const warnings: KombuError[] = [];
  const target: BrokerTarget<Options> = {
    scheme: 'zookeeper',
    url: `zookeeper://127.0.0.1:${port}`,
    hostname: '127.0.0.1',
    port,
    userid: undefined,
    password: undefined,
    virtualHost: 'driver',
    tls: undefined,
    connectTimeoutMs: 5000,
    heartbeatMs: undefined,
    loginMethod: undefined,
    options,
    all: [],
    ...more,
  };
  const context = {
    signal: new AbortController().signal,
    logger: silentLogger,
    clock: systemClock,
    connectionId,
    warn: (error: KombuError) => void warnings.push(error),
    blocked: () => {},
    unblocked: () => {},
  };
  const driver = await open({ ...target, all: more.all ?? [target] }, context, sessions);
  return Object.assign(driver, { warnings });
}

/** What to put: an envelope of a number. */
export function entryOf(queue: string, n: number, more: Partial<PutEntry> = {}): PutEntry {
  const deliveryTag = uuid();
  const envelope = {
    body: Buffer.from(String(n)).toString('base64'),
    'content-type': 'application/json',
    'content-encoding': 'utf-8',
    headers: {},
    properties: {
      body_encoding: 'base64',
      delivery_info: { exchange: '', routing_key: queue },
      delivery_tag: deliveryTag,
    },
  };
  return {
    queue,
    payload: JSON.stringify(envelope),
    deliveryTag,
    priority: 0,
    expiresAt: undefined,
    bytes: 1,
    limits: undefined,
    message: { body: Buffer.from(String(n)), headers: {}, properties: {} } as unknown as PutEntry['message'],
    exchange: '',
    routingKey: queue,
    ...more,
  };
}

/** Stores numbers, one call for each `size` of them. */
export async function putAll(driver: VirtualDriver, queue: string, count: number, size = 100): Promise<void> {
  for (let at = 0; at < count; at += size) {
    const entries = Array.from({ length: Math.min(size, count - at) }, (_, i) => entryOf(queue, at + i));
    await driver.put({ entries, check: [] });
  }
}

export function reserve(
  driver: VirtualDriver,
  queue: string,
  more: Partial<ReserveRequest> = {},
): Promise<readonly Reserved[]> {
  const { signal } = new AbortController();
  const request = { queues: [queue], max: 10, leaseMs: 2000, noAck: false, waitMs: 0, signal, ...more };
  return Promise.resolve(driver.reserve(request));
}

/** The numbers in reserved messages. */
export function numbersOf(reserved: readonly Reserved[]): number[] {
  return reserved.map(({ payload }) => Number(Buffer.from(JSON.parse(payload as string).body, 'base64')));
}
