import {
  type BrokerTarget,
  type KombuError,
  parseUrl,
  silentLogger,
  systemClock,
  type TransportContext,
  uuid,
} from '@kombu/core';
import {
  type PutEntry,
  type PutResult,
  type Reserved,
  type ReserveRequest,
  Unanswered,
  type VirtualDriver,
  type VirtualOptions,
} from '@kombu/core/virtual';
import { open } from '../../src/open.js';
import type { MongodbOptions } from '../../src/options.js';

export type AllOptions = MongodbOptions & VirtualOptions;

/** The target that a Connection would make of a URL. */
export function targetOf(url: string, options: AllOptions = {}): BrokerTarget<AllOptions> {
  const { transport: scheme, hostname, port, userid, password, virtualHost } = parseUrl(url);
  const target = { scheme, url, hostname, port, userid, password, virtualHost };
  const rest = { tls: undefined, connectTimeoutMs: 5000, heartbeatMs: undefined, loginMethod: undefined };
  return { ...target, ...rest, options: { leaseMs: 60_000, pollingIntervalMs: 1000, ...options }, all: [] };
}

/** What a Connection gives to a driver. */
export interface Around {
  readonly connectionId?: string;
  readonly unanswered?: Unanswered;
  readonly warn?: (error: KombuError) => void;
}

/** Opens a driver on its own, without a Connection around it. */
export function openDriver(
  url: string,
  options: AllOptions = {},
  { connectionId = uuid(), unanswered = new Unanswered(), warn = () => {} }: Around = {},
): Promise<VirtualDriver> {
  const context: TransportContext = {
    signal: new AbortController().signal,
    logger: silentLogger,
    clock: systemClock,
    connectionId,
    warn,
    blocked: () => {},
    unblocked: () => {},
  };
  return open(targetOf(url, options), context, unanswered);
}

/** One message for one queue. */
export function entry(queue: string, body: string, more: Partial<PutEntry> = {}): PutEntry {
  const payload = JSON.stringify({ body, headers: {}, properties: { delivery_tag: uuid() } });
  const shared = { queue, payload, deliveryTag: '', priority: 0, expiresAt: undefined, bytes: body.length };
  const message = { body: Buffer.from(body), headers: {}, properties: {} } as unknown as PutEntry['message'];
  return { ...shared, limits: undefined, message, exchange: '', routingKey: queue, ...more };
}

export async function put(driver: VirtualDriver, ...entries: readonly PutEntry[]): Promise<PutResult> {
  return driver.put({ entries, check: [] });
}

export async function reserve(
  driver: VirtualDriver,
  queues: readonly string[],
  more: Partial<ReserveRequest> = {},
): Promise<readonly Reserved[]> {
  const { signal } = new AbortController();
  return driver.reserve({ queues, max: 100, leaseMs: 60_000, noAck: false, waitMs: 0, signal, ...more });
}

/** The bodies of what was reserved. */
export function bodies(reserved: readonly Reserved[]): readonly string[] {
  return reserved.map(({ payload }) => JSON.parse(payload as string).body as string);
}
