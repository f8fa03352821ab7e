import { type KombuError, OperationalError } from '../../../src/errors/index.js';
import { createMemoryTransport } from '../../../src/memory/memory.js';
import type { TransportCapabilities } from '../../../src/transport/capabilities.js';
import type { Channel, ConsumeRequest, ExchangeSpec, QueueSpec } from '../../../src/transport/channel.js';
import type { Delivery, Route, WireMessage } from '../../../src/transport/delivery.js';
import type { Transport, TransportConnection } from '../../../src/transport/transport.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLogger } from '../../../src/util/logger.js';
import { defineVirtualTransport } from '../../../src/virtual/define-transport.js';
import type { VirtualDriver } from '../../../src/virtual/driver.js';
import type { ExchangeKind } from '../../../src/virtual/exchange-kinds.js';
import type { VirtualOptions } from '../../../src/virtual/transport-spec.js';
import { createTextDriver, TextStore, type TextStoreOptions } from './text-store.js';

/** Waits until a condition holds; fails after `ms`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets everything that is due happen: some turns of the event loop. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A transport over a store of text. `wrap` changes its drivers. */
export function textTransport(
  store: TextStore,
  options: TextStoreOptions = {},
  {
    exchangeKinds,
    capabilities,
  }: {
    exchangeKinds?: readonly ExchangeKind[];
    capabilities?: Partial<TransportCapabilities>;
  } = {},
  wrap: (driver: VirtualDriver) => VirtualDriver = (driver) => driver,
): Transport<VirtualOptions> {
  return defineVirtualTransport({
    name: 'text',
    schemes: ['text'],
    driverName: 'text-store',
    options: {},
    capabilities: {
      fanout: options.broadcast ? 'subscribers' : 'queues',
      priorities: 10,
      order: 'fifo',
      scope: 'broker',
      topology: options.topology === false ? 'process' : 'broker',
      presence: options.presence === false ? 'process' : 'broker',
      lease: options.limits?.lease ?? 'message',
      durable: true,
      delivery: 'at-least-once',
      maxLength: true,
      ...capabilities,
    },
    ...(exchangeKinds && { exchangeKinds }),
    open: async () => wrap(createTextDriver(store, options)),
  });
}

/** What a broker is to the tests that run over each of them. */
export interface TestBroker {
  readonly transport: Transport<VirtualOptions>;
  failLinks(error?: KombuError): void;
}

/** Every behaviour is the same over a synchronous store of objects and over an asynchronous one of text. */
export const brokers: readonly (readonly [string, () => TestBroker])[] = [
  [
    'memory',
    () => {
      const transport = createMemoryTransport();
      return { transport, failLinks: (error) => transport.failLinks(error) };
    },
  ],
  [
    'a text store',
    () => {
      const store = new TextStore();
      return { transport: textTransport(store), failLinks: (error) => store.failLinks(error) };
    },
  ],
  [
    'a polled text store',
    () => {
      const store = new TextStore();
      const limits = { queuesPerReserve: 1, maxBatch: 7, maxPutBatch: 3, earlyPut: 2 };
      return {
        transport: textTransport(store, { watch: false, limits }),
        failLinks: (error) => store.failLinks(error),
      };
    },
  ],
];

/** What a channel told its owner. */
export interface Told {
  readonly cancelled: { readonly tag: string; readonly why: KombuError }[];
  readonly failed: { readonly delivery: Delivery; readonly error: KombuError }[];
  readonly warnings: KombuError[];
}

const opened = new Set<TransportConnection>();

/** Closes every connection that a test has opened. */
export async function closeAll(): Promise<void> {
  const all = [...opened];
  opened.clear();
  await Promise.all(all.map((connection) => connection.close()));
}

let ids = 0;

/** A connection with one channel. */
export async function connect(
  transport: Transport<VirtualOptions>,
  o: { options?: VirtualOptions; connectionId?: string; hostname?: string } = {},
): Promise<{ connection: TransportConnection; channel: Channel; told: Told; warnings: KombuError[] }> {
  const warnings: KombuError[] = [];
  const target = {
    scheme: transport.name,
    url: `${transport.name}://`,
    hostname: o.hostname,
    port: undefined,
    userid: undefined,
    password: undefined,
    virtualHost: undefined,
    tls: undefined,
    connectTimeoutMs: 5000,
    heartbeatMs: undefined,
    loginMethod: undefined,
    options: { pollingIntervalMs: 10, ...o.options },
    all: [],
  };
  const connection = await transport.connect(target, {
    signal: new AbortController().signal,
    logger: silentLogger,
    clock: systemClock,
    connectionId: o.connectionId ?? `connection-${++ids}`,
    warn: (error) => warnings.push(error),
    blocked: () => {},
    unblocked: () => {},
  });
  opened.add(connection);
  const { channel, told } = await openChannel(connection);
  return { connection, channel, told, warnings };
}

export async function openChannel(connection: TransportConnection): Promise<{ channel: Channel; told: Told }> {
  const told: Told = { cancelled: [], failed: [], warnings: [] };
  const channel = await connection.openChannel({
    returned: () => {
      throw new OperationalError('NACKED', 'virtual channels reject instead');
    },
    cancelledByBroker: (tag, why) => told.cancelled.push({ tag, why }),
    settleFailed: (delivery, error) => told.failed.push({ delivery, error }),
    warning: (error) => told.warnings.push(error),
  });
  return { channel, told };
}

export function queue(name: string, o: Partial<QueueSpec> = {}): QueueSpec {
  return { name, durable: true, exclusive: false, autoDelete: false, arguments: {}, ...o };
}

export function exchange(name: string, type = 'direct', o: Partial<ExchangeSpec> = {}): ExchangeSpec {
  return { name, type, durable: true, autoDelete: false, arguments: {}, ...o };
}

export function message(body: string, o: Partial<WireMessage> = {}): WireMessage {
  return {
    body: Buffer.from(body),
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    headers: {},
    properties: { deliveryMode: 2 },
    ...o,
  };
}

export function to(exchangeName: string, routingKey: string, mandatory = false): Route {
  return { exchange: exchangeName, routingKey, mandatory };
}

export function text(delivery: Delivery | undefined): string | undefined {
  return delivery === undefined ? undefined : Buffer.from(delivery.body).toString();
}

let tags = 0;

/** Starts a consumer that collects what it gets; `handle` may settle. */
export async function collect(
  channel: Channel,
  queueName: string,
  o: Partial<ConsumeRequest> & { handle?: (delivery: Delivery) => void } = {},
): Promise<{ tag: string; got: Delivery[]; texts: () => string[] }> {
  const got: Delivery[] = [];
  const { handle, ...rest } = o;
  const tag = o.tag ?? `tag-${++tags}`;
  const request: ConsumeRequest = {
    queue: queueName,
    tag,
    noAck: false,
    exclusive: false,
    noLocal: false,
    arguments: {},
    prefetch: 50,
    ...rest,
  };
  await channel.consume(request, (delivery) => {
    got.push(delivery);
    handle?.(delivery);
  });
  return { tag, got, texts: () => got.map((one) => text(one) ?? '') };
}

/** Everything that is in a queue now, acknowledged. */
export async function drain(channel: Channel, queueName: string): Promise<string[]> {
  const all: string[] = [];
  for (let one = await channel.get(queueName); one !== undefined; one = await channel.get(queueName)) {
    all.push(text(one) ?? '');
    await channel.settle(one, 'ack', { confirm: true });
  }
  return all;
}

/** The texts of the numbers from 0 to `count` - 1. */
export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

/** The error that a promise rejects with. */
export async function failure(work: unknown): Promise<KombuError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error as KombuError;
  }
  throw new Error('expected it to fail');
}

/** The code of the error that a call throws. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as KombuError).code;
  }
  throw new Error('expected it to fail');
}
