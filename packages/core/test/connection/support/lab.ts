import { AuthenticationError, ChannelError, type KombuError, OperationalError } from '../../../src/errors/index.js';
import type {
  BindingSpec,
  ChannelEvents,
  ConsumeRequest,
  Delivery,
  ExchangeSpec,
  OptionSpecs,
  QueueSpec,
  Transport,
  TransportCapabilities,
  TransportChannel,
  TransportConnection,
  WireMessage,
} from '../../../src/transport/index.js';
import { abortError } from '../../../src/util/abort.js';
import { deferred } from '../../../src/util/deferred.js';

const CAPABILITIES: TransportCapabilities = {
  exchangeTypes: ['direct'],
  exchangeBindings: true,
  fanout: 'queues',
  priorities: 0,
  messageTtl: false,
  queueTtl: false,
  queueExpiry: false,
  maxLength: false,
  deadLetter: false,
  mandatory: false,
  confirms: true,
  delivery: 'at-least-once',
  order: 'fifo',
  scope: 'process',
  topology: 'process',
  presence: 'process',
  lease: 'link',
  settleAfterReconnect: false,
  durable: false,
  bindingsMaxAgeMs: 0,
  maxBodyBytes: undefined,
  ttlGranularityMs: 1,
  exclusiveConsumers: false,
  consumerPriority: false,
  noLocal: false,
};

export interface LabOptions {
  visibilityTimeoutMs?: number;
  prefix?: string;
  order?: 'sorted' | 'round_robin';
  verbose?: boolean;
  maxInFlight?: number;
  names?: readonly string[];
  weird?: object;
}

const SPECS: OptionSpecs<LabOptions> = {
  visibilityTimeoutMs: { kind: 'duration', default: 60_000, doc: '' },
  prefix: { kind: 'string', doc: '' },
  order: { kind: 'string', oneOf: ['sorted', 'round_robin'], default: 'sorted', doc: '', kombuName: 'queue_order' },
  verbose: { kind: 'boolean', default: false, doc: '' },
  maxInFlight: { kind: 'integer', min: 1, max: 100_000, doc: '' },
  names: { kind: 'list', doc: '' },
  weird: { kind: 'object', doc: '' },
};

export type HostState = 'up' | 'refused' | 'unauthorized' | 'silent' | 'hangs-up';

/** One link of the laboratory's broker. */
class LabLink implements TransportConnection {
  readonly driver = { lab: true };
  readonly channels: LabChannel[] = [];
  readonly #closed = deferred<KombuError | undefined>();
  readonly closed = this.#closed.promise;
  readonly #lab: Lab;
  alive = true;
  destroyed = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async openChannel(events: ChannelEvents): Promise<TransportChannel> {
    if (!this.alive) throw lost();
    await this.#lab.gate('openChannel');
    if (!this.alive) throw lost();
    const channel = new LabChannel(this.#lab, events);
    this.channels.push(channel);
    return channel;
  }

  fail(error: KombuError): void {
    if (!this.alive) return;
    this.alive = false;
    for (const channel of this.channels) channel.end(error);
    this.#closed.resolve(error);
  }

  async close(): Promise<void> {
    this.#lab.log.push('link.close');
    await this.#lab.gate('link.close');
    this.alive = false;
    for (const channel of this.channels) channel.end(undefined);
    this.#closed.resolve(undefined);
  }

  destroy(): void {
    this.destroyed++;
    this.fail(lost());
  }
}

export function lost(): OperationalError {
  return new OperationalError('CONNECTION_LOST', 'the link was cut');
}

class LabChannel implements TransportChannel {
  readonly events: ChannelEvents;
  readonly consumers = new Map<string, { request: ConsumeRequest; deliver: (delivery: Delivery) => void }>();
  readonly settled: string[] = [];
  readonly #lab: Lab;
  readonly #closed = deferred<KombuError | undefined>();
  readonly closed = this.#closed.promise;
  readonly #unconfirmed = new Set<(error: KombuError) => void>();
  #alive = true;

  constructor(lab: Lab, events: ChannelEvents) {
    this.#lab = lab;
    this.events = events;
  }

  end(error: KombuError | undefined): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const reject of this.#unconfirmed) reject(error ?? lost());
    this.#closed.resolve(error);
  }

  async #call<T>(line: string, result: T): Promise<T> {
    if (!this.#alive) throw lost();
    this.#lab.log.push(line);
    await this.#lab.gate(line);
    if (!this.#alive) throw lost();
    const refusal = this.#lab.refusals.get(line);
    if (refusal !== undefined) throw refusal;
    return result;
  }

  declareExchange(x: ExchangeSpec) {
    return this.#call<void>(`declareExchange ${x.name}`, undefined);
  }
  deleteExchange(name: string) {
    return this.#call<void>(`deleteExchange ${name}`, undefined);
  }
  async declareQueue(q: QueueSpec) {
    const queue = q.name === '' ? `gen-${++this.#lab.generated}` : q.name;
    if (q.passive && !this.#lab.survivors.has(queue)) {
      await this.#call(`declareQueue ${queue} passive`, undefined);
      throw new ChannelError('NOT_FOUND', `no queue '${queue}'`);
    }
    await this.#call(
      `declareQueue ${q.name === '' ? '(server-named)' : queue}${q.passive ? ' passive' : ''}`,
      undefined,
    );
    return { queue, messageCount: 0, consumerCount: 0 };
  }
  deleteQueue(name: string) {
    return this.#call(`deleteQueue ${name}`, 3);
  }
  purgeQueue(name: string) {
    return this.#call(`purgeQueue ${name}`, 7);
  }
  bindQueue(b: BindingSpec) {
    return this.#call<void>(`bindQueue ${b.exchange} -> ${b.queue} (${b.routingKey})`, undefined);
  }
  unbindQueue(b: BindingSpec) {
    return this.#call<void>(`unbindQueue ${b.exchange} -> ${b.queue} (${b.routingKey})`, undefined);
  }
  bindExchange(b: { source: string; destination: string }) {
    return this.#call<void>(`bindExchange ${b.source} -> ${b.destination}`, undefined);
  }
  publish(message: WireMessage): void | Promise<void> {
    if (!this.#alive) return Promise.reject(lost());
    const text = Buffer.from(message.body).toString();
    this.#lab.published.push(text);
    if (this.#lab.publishError !== undefined) return Promise.reject(this.#lab.publishError);
    if (!this.#lab.holdConfirms) return undefined;
    return new Promise((_, reject) => this.#unconfirmed.add(reject));
  }
  async consume(request: ConsumeRequest, deliver: (delivery: Delivery) => void): Promise<void> {
    await this.#call(`consume ${request.queue} ${request.tag}`, undefined);
    this.consumers.set(request.tag, { request, deliver });
  }
  async cancel(tag: string): Promise<void> {
    await this.#call(`cancel ${tag}`, undefined);
    this.consumers.delete(tag);
  }
  get(queue: string): Promise<Delivery | undefined> {
    return this.#call(`get ${queue}`, delivery('got', queue));
  }
  settle(d: Delivery, outcome: string): void {
    this.settled.push(`${outcome} ${d.deliveryTag}`);
    this.#lab.settled.push(`${outcome} ${d.deliveryTag}`);
  }
  async close(): Promise<void> {
    if (this.#alive) this.#lab.log.push('channel.close');
    await this.#lab.gate('channel.close');
    this.end(undefined);
  }
}

/** A broker that does nothing but what a test tells it to, and writes down what it is asked. */
export class Lab {
  /** What was asked, in order. */
  readonly log: string[] = [];
  readonly published: string[] = [];
  readonly settled: string[] = [];
  readonly links: LabLink[] = [];
  readonly hosts = new Map<string, HostState>();
  /** What is refused, by its line in the log. */
  readonly refusals = new Map<string, KombuError>();
  /** Server-named queues that are still there on the next link. */
  readonly survivors = new Set<string>();
  readonly transport: Transport<LabOptions>;
  holdConfirms = false;
  publishError: KombuError | undefined;
  generated = 0;
  #gates = new Map<string, Promise<void>>();

  constructor(over: Partial<Transport<LabOptions>> = {}, capabilities: Partial<TransportCapabilities> = {}) {
    this.transport = {
      name: 'lab',
      schemes: ['lab', 'labs', 'lab+socket'],
      driverType: 'lab',
      driverName: 'lab-driver',
      defaultPort: 1234,
      capabilities: { ...CAPABILITIES, ...capabilities },
      options: SPECS,
      connect: async (target, context) => {
        const host = target.hostname ?? '';
        this.log.push(`dial ${host}`);
        const state = this.hosts.get(host) ?? 'up';
        if (state === 'refused') throw new OperationalError('CONNECT_REFUSED', `${host} refuses`);
        if (state === 'unauthorized') throw new AuthenticationError(`${host} does not know you`);
        if (state === 'silent') {
          await new Promise((_, reject) => {
            context.signal.addEventListener('abort', () => reject(abortError(context.signal, 'dial')), { once: true });
          });
        }
        await this.gate(`dial ${host}`);
        const link = new LabLink(this);
        this.links.push(link);
        if (state === 'hangs-up') queueMicrotask(() => link.fail(lost()));
        return link;
      },
      ...over,
    };
  }

  /** The newest link. */
  get link(): LabLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error('there is no link yet');
    return link;
  }

  /** Cuts every link. */
  cut(error: KombuError = lost()): void {
    for (const link of this.links) link.fail(error);
  }

  /** From now on this line waits until `open` is called. */
  hold(line: string): () => void {
    const gate = deferred();
    this.#gates.set(line, gate.promise);
    return () => {
      this.#gates.delete(line);
      gate.resolve();
    };
  }

  async gate(line: string): Promise<void> {
    await this.#gates.get(line);
  }

  /** Delivers to the consumer of that tag on the newest link. */
  deliver(tag: string, text: string): void {
    for (const channel of this.link.channels) {
      const consumer = channel.consumers.get(tag);
      if (consumer !== undefined) consumer.deliver(delivery(text, consumer.request.queue, tag));
    }
  }
}

export function wire(text: string): WireMessage {
  return { body: Buffer.from(text), contentType: 'text/plain', contentEncoding: 'utf-8', headers: {}, properties: {} };
}

export function delivery(text: string, queue: string, consumerTag?: string): Delivery {
  return { ...wire(text), deliveryTag: text, consumerTag, exchange: '', routingKey: queue, queue, redelivered: false };
}

export function queueSpec(name: string, over: Partial<QueueSpec> = {}): QueueSpec {
  return { name, durable: true, exclusive: false, autoDelete: false, arguments: {}, ...over };
}

export function exchangeSpec(name: string, over: Partial<ExchangeSpec> = {}): ExchangeSpec {
  return { name, type: 'direct', durable: true, autoDelete: false, arguments: {}, ...over };
}

export function bindingSpec(exchange: string, queue: string, routingKey: string): BindingSpec {
  return { exchange, queue, routingKey, arguments: {} };
}

export function consumeRequest(queue: string, tag: string, over: Partial<ConsumeRequest> = {}): ConsumeRequest {
  return { queue, tag, noAck: false, exclusive: false, noLocal: false, arguments: {}, prefetch: 10, ...over };
}
