import { randomUUID } from 'node:crypto';
import {
  type BrokerTarget,
  type ConsumeRequest,
  type Delivery,
  type KombuError,
  type ReturnedMessage,
  silentLogger,
  systemClock,
  type TransportChannel,
  type TransportConnection,
  type WireMessage,
} from '@kombu/core';
import { type AmqpOptions, amqp } from '../../src/index.js';

/** What a channel told, in order. */
export interface Told {
  readonly returned: ReturnedMessage[];
  readonly cancelled: { tag: string; why: KombuError }[];
  readonly warnings: KombuError[];
}

/** A link that is used without Connection around it, and what it told. */
export interface TestLink {
  readonly link: TransportConnection;
  readonly blocked: (string | undefined)[];
  channel(): Promise<TransportChannel & { readonly told: Told }>;
}

/** The target of an AMQP URL, without the rules that core's parser knows. */
export function target(url: string, over: Partial<BrokerTarget<AmqpOptions>> = {}): BrokerTarget<AmqpOptions> {
  const { protocol, hostname, port, username, password } = new URL(url);
  return {
    scheme: protocol.slice(0, -1),
    url,
    hostname,
    port: Number(port),
    userid: decodeURIComponent(username),
    password: decodeURIComponent(password),
    virtualHost: '/',
    tls: undefined,
    connectTimeoutMs: 5_000,
    heartbeatMs: undefined,
    loginMethod: undefined,
    options: {},
    all: [],
    ...over,
  };
}

/** Opens a link. */
export async function openLink(url: string, over: Partial<BrokerTarget<AmqpOptions>> = {}): Promise<TestLink> {
  const blocked: (string | undefined)[] = [];
  const link = await amqp.connect(target(url, over), {
    signal: new AbortController().signal,
    logger: silentLogger,
    clock: systemClock,
    connectionId: 'test',
    warn() {},
    blocked: (reason) => blocked.push(reason),
    unblocked: () => blocked.push(undefined),
  });
  return {
    link,
    blocked,
    async channel() {
      const told: Told = { returned: [], cancelled: [], warnings: [] };
      const channel = await link.openChannel({
        returned: (message) => told.returned.push(message),
        cancelledByBroker: (tag, why) => told.cancelled.push({ tag, why }),
        settleFailed() {},
        warning: (error) => told.warnings.push(error),
      });
      return Object.assign(channel, { told });
    },
  };
}

/** A name that nobody else has. */
export function unique(what: string): string {
  return `${what}-${randomUUID()}`;
}

export function message(body: string | Buffer, over: Partial<WireMessage> = {}): WireMessage {
  return {
    body: Buffer.from(body),
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    headers: {},
    properties: { deliveryMode: 2, priority: 0 },
    ...over,
  };
}

export function request(queue: string, over: Partial<ConsumeRequest> = {}): ConsumeRequest {
  return {
    queue,
    tag: unique('tag'),
    noAck: false,
    exclusive: false,
    noLocal: false,
    arguments: {},
    prefetch: 100,
    ...over,
  };
}

/** Declares a queue of a name of its own. */
export async function declareQueue(
  channel: TransportChannel,
  args: Record<string, unknown> = {},
  durable = true,
): Promise<string> {
  const name = unique('queue');
  await channel.declareQueue({ name, durable, exclusive: false, autoDelete: false, arguments: args });
  return name;
}

export const texts = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ body }) => Buffer.from(body).toString());
