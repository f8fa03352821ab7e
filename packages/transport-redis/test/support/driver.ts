import {
  type BrokerTarget,
  type KombuError,
  silentLogger,
  systemClock,
  type TransportContext,
  uuid,
} from '@kombu/core';
import {
  type BindingRecord,
  type PutEntry,
  type PutRequest,
  type Reserved,
  Unanswered,
  type VirtualDriver,
  type VirtualOptions,
} from '@kombu/core/virtual';
import { open } from '../../src/open.js';
import type { RedisOptions } from '../../src/options.js';

export type AllOptions = RedisOptions & VirtualOptions;

/** What a driver was told to warn of. */
export interface OpenedDriver extends VirtualDriver {
  readonly warnings: readonly KombuError[];
}

function targetOf(url: string, options: AllOptions, more: Partial<BrokerTarget<AllOptions>>): BrokerTarget<AllOptions> {
  const parsed = new URL(url.startsWith('redis+socket') ? 'http://unused' : url.replace(/^[a-z+]+:/, 'http:'));
  const target = {
    scheme: url.slice(0, url.indexOf(':')),
    url,
    hostname: parsed.hostname || undefined,
    port: parsed.port === '' ? undefined : Number(parsed.port),
    userid: parsed.username || undefined,
    password: parsed.password || undefined,
    virtualHost: parsed.pathname.slice(1) || undefined,
    tls: undefined,
    connectTimeoutMs: 2000,
    heartbeatMs: undefined,
    loginMethod: undefined,
    options,
    all: [],
    ...more,
  };
  return { ...target, all: more.all ?? [target] };
}

/** Opens a driver on its own, without a Connection around it. */
export async function openDriver(
  url: string,
  options: AllOptions = {},
  {
    signal,
    connectionId = uuid(),
    unanswered = new Unanswered(),
    ...more
  }: Partial<BrokerTarget<AllOptions>> & { signal?: AbortSignal; connectionId?: string; unanswered?: Unanswered } = {},
): Promise<OpenedDriver> {
  const warnings: KombuError[] = [];
  const context: TransportContext = {
    signal: signal ?? new AbortController().signal,
    logger: silentLogger,
    clock: systemClock,
    connectionId,
    warn: (error) => warnings.push(error),
    blocked: () => {},
    unblocked: () => {},
  };
  const driver = await open(targetOf(url, options, more), context, unanswered);
  return Object.assign(driver, { warnings });
}

export interface EnvelopeParts {
  readonly body?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly tag?: string;
  readonly priority?: number;
  readonly headers?: Record<string, unknown>;
  readonly more?: Record<string, unknown>;
}

/** An envelope as Node or as Python writes it (Python puts a space after commas and colons). */
export function envelope(parts: EnvelopeParts = {}, python = false): string {
  const { body = 'x', exchange = '', routingKey = 'q', tag = uuid(), priority = 0, headers = {}, more = {} } = parts;
  const json = JSON.stringify(
    {
      body: Buffer.from(body).toString('base64'),
      'content-encoding': 'utf-8',
      'content-type': 'text/plain',
      headers,
      properties: {
        ...more,
        delivery_mode: 2,
        delivery_info: { exchange, routing_key: routingKey },
        priority,
        body_encoding: 'base64',
        delivery_tag: tag,
      },
    },
    null,
    python ? 1 : undefined,
  );
  return python ? json.replace(/\n */g, ' ').replaceAll('{ ', '{').replaceAll(' }', '}') : json;
}

/** An entry to put. */
export function entry(queue: string, parts: EnvelopeParts = {}, more: Partial<PutEntry> = {}): PutEntry {
  const deliveryTag = parts.tag ?? uuid();
  const { exchange = '', routingKey = queue } = parts;
  return {
    queue,
    payload: envelope({ ...parts, exchange, routingKey, tag: deliveryTag }),
    deliveryTag,
    priority: parts.priority ?? 0,
    expiresAt: undefined,
    bytes: Buffer.byteLength(parts.body ?? 'x'),
    limits: undefined,
    message: {
      body: Buffer.from(parts.body ?? 'x'),
      contentType: 'text/plain',
      contentEncoding: 'utf-8',
      headers: parts.headers ?? {},
      properties: {},
    },
    exchange,
    routingKey,
    ...more,
  };
}

export async function put(driver: VirtualDriver, entries: readonly PutEntry[], check: PutRequest['check'] = []) {
  return driver.put({ entries, check });
}

/** Messages with these bodies, in this order. */
export async function fill(
  driver: VirtualDriver,
  queue: string,
  bodies: readonly string[],
  priority = 0,
): Promise<void> {
  await put(
    driver,
    bodies.map((body) => entry(queue, { body, priority })),
  );
}

export async function reserve(
  driver: VirtualDriver,
  queues: string | readonly string[],
  max = 100,
  more: { leaseMs?: number; noAck?: boolean } = {},
): Promise<readonly Reserved[]> {
  return driver.reserve({
    queues: typeof queues === 'string' ? [queues] : queues,
    max,
    leaseMs: more.leaseMs ?? 60_000,
    noAck: more.noAck ?? false,
    waitMs: 0,
    signal: new AbortController().signal,
  });
}

export async function settle(
  driver: VirtualDriver,
  items: readonly Reserved[],
  outcome: 'ack' | 'drop' | 'requeue' | 'release',
) {
  return driver.settle(items.map(({ queue, token }) => ({ queue, token, outcome })));
}

/** The body of a payload. */
export function bodyOf(reserved: Reserved): string {
  return Buffer.from(JSON.parse(reserved.payload as string).body, 'base64').toString();
}

export function bodies(reserved: readonly Reserved[]): string[] {
  return reserved.map(bodyOf);
}

export function queueBinding(exchange: string, queue: string, routingKey = '', args = {}): BindingRecord {
  return { exchange, destination: queue, destinationType: 'queue', routingKey, arguments: args };
}

export function exchangeRecord(name: string, type: string) {
  return { name, type, durable: true, autoDelete: false, arguments: {} };
}
