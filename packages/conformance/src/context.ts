import type {
  Connection,
  ConnectionOptions,
  ExchangeOptions,
  Producer,
  ProducerOptions,
  QueueOptions,
  TransportCapabilities,
} from '@kombu/core';
import { Exchange, KombuError, Queue } from '@kombu/core';
import type { ChildProcessHandle } from './child/child-process.js';
import { startChild } from './child/child-process.js';
import { Collector } from './collector.js';
import type { Environment } from './environment.js';
import type { BrokerHandle, BrokerHooks } from './hooks.js';
import { startProxy, type TcpProxy } from './proxy.js';
import { type Random, seededRandom, seedFor } from './random.js';
import { until, within } from './wait.js';

/** What a case works with: connections and names of its own, and ways to wait. All of it is cleaned up when the case ends. */
export class CaseContext {
  /** The run that this case belongs to. */
  readonly environment: Environment;
  /** Random numbers that the run's seed repeats. */
  readonly random: Random;
  /** The random generator's seed, for the message of a failure. */
  readonly seed: number;
  /** The longest that one condition may take, in milliseconds. */
  readonly waitMs: number;
  /** The lease of cases that ask for a short one, in milliseconds. */
  readonly leaseMs: number;
  readonly #prefix: string;
  readonly #connections: Connection[] = [];
  readonly #queues = new Set<string>();
  readonly #exchanges = new Set<string>();
  readonly #undo: (() => Promise<void>)[] = [];
  #first: Promise<Connection> | undefined;
  #names = 0;

  constructor(environment: Environment, caseName: string, runId: string) {
    this.environment = environment;
    this.waitMs = environment.waitMs;
    this.leaseMs = environment.leaseMs;
    this.seed = seedFor(environment.scale.seed, caseName);
    this.random = seededRandom(this.seed);
    this.#prefix = `kc-${runId}`;
  }

  /** What to connect to. */
  get broker(): BrokerHandle {
    return this.environment.broker();
  }

  /** What can be done to the broker. */
  get hooks(): BrokerHooks {
    return this.environment.hooks;
  }

  /** A name that nothing else has. */
  name(kind = 'n'): string {
    this.#names += 1;
    return `${this.#prefix}-${kind}${this.#names}`;
  }

  /** A Connection that is not connected yet, closed when the case ends. */
  async unconnected(options: ConnectionOptions = {}, broker: BrokerHandle = this.broker): Promise<Connection> {
    const connection = await this.environment.open(broker, options);
    connection.on('error', () => {});
    this.#connections.push(connection);
    return connection;
  }

  /** A connected Connection, closed when the case ends. */
  async open(options: ConnectionOptions = {}, broker: BrokerHandle = this.broker): Promise<Connection> {
    const connection = await this.unconnected(options, broker);
    await connection.connect({ timeoutMs: this.waitMs });
    return connection;
  }

  /** The case's first connection. */
  connection(): Promise<Connection> {
    this.#first ??= this.open();
    return this.#first;
  }

  /** What the transport declares, read from a connection. */
  async capabilities(): Promise<TransportCapabilities> {
    return (await this.connection()).capabilities;
  }

  /** Options that make leases as short as the broker keeps them well; none where leases are not by the clock. */
  async leaseOptions(): Promise<ConnectionOptions> {
    const { lease } = await this.capabilities();
    return lease === 'link' || lease === 'memory' ? {} : { transportOptions: { leaseMs: this.leaseMs } };
  }

  /** A queue declaration with a name of its own, deleted when the case ends. */
  queue<T = unknown>(o: QueueOptions<T> & { readonly name?: string } = {}): Queue<T> {
    const { name = this.name('q'), ...options } = o;
    this.#queues.add(name);
    return new Queue<T>(name, options);
  }

  /** An exchange declaration with a name of its own, deleted when the case ends. */
  exchange(type: string, o: Omit<ExchangeOptions, 'type'> = {}): Exchange {
    const name = this.name('x');
    this.#exchanges.add(name);
    return new Exchange(name, { ...o, type });
  }

  /** A producer with what the variant adds. */
  producer(connection: Connection, o: ProducerOptions = {}): Producer {
    return connection.producer({ ...this.environment.producer, ...o });
  }

  /** A collector that allows doubles only where the transport does. */
  async collector(): Promise<Collector> {
    const { delivery } = await this.capabilities();
    return new Collector({ exactlyOnce: delivery === 'exactly-once', waitMs: this.waitMs });
  }

  /** Waits until a condition is true, and fails at the deadline. */
  until<T>(
    what: string,
    condition: () => T | Promise<T>,
    ms = this.waitMs,
  ): Promise<Exclude<T, undefined | null | false>> {
    return until(what, condition, ms);
  }

  /** Waits for a promise, and fails at the deadline. */
  within<T>(what: string, promise: PromiseLike<T>, ms = this.waitMs): Promise<T> {
    return within(promise, ms, what);
  }

  /** Does something when the case ends, the last first. */
  defer(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Starts a child process that is connected to the broker. */
  async child(options: ConnectionOptions = {}): Promise<ChildProcessHandle> {
    const hook = this.environment.child;
    if (hook === undefined) throw new Error('there is no child hook');
    const child = await startChild(hook, this.broker, options, this.waitMs);
    this.defer(() => child.stop());
    return child;
  }

  /** A proxy in front of the broker, and the handle that leads through it. */
  async proxied(): Promise<{ proxy: TcpProxy; broker: BrokerHandle }> {
    const { host = '127.0.0.1', port } = this.broker;
    const through = this.hooks.through;
    if (through === undefined || port === undefined) throw new Error('broker.through needs a handle with a port');
    const proxy = await startProxy(host, port);
    this.defer(() => proxy.close());
    return { proxy, broker: through.call(this.hooks, this.broker, proxy.port) };
  }

  /** Says something in the report. */
  note(kind: 'undeclared' | 'not-declared', test: string, text: string): void {
    this.environment.report.add({ kind, transport: this.environment.transport, test, text });
  }

  /** Closes and deletes everything that the case made. */
  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (what: string, undo: () => Promise<unknown>): Promise<void> => {
      try {
        await within(undo(), this.waitMs, what);
      } catch (error) {
        failures.push(new Error(`cleaning up: ${what}`, { cause: error }));
      }
    };
    for (const undo of this.#undo.reverse()) await attempt('what the case deferred', undo);
    const end = (connection: Connection): Promise<void> => {
      const closing = connection.close({ drainMs: 0 });
      this.environment.unfinished.add(closing.catch(() => {}));
      return attempt('closing a connection', () => closing);
    };
    await Promise.all(this.#connections.map(end));
    if (this.#queues.size + this.#exchanges.size > 0) await attempt('deleting', () => this.#deleteAll());
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
  }

  async #deleteAll(): Promise<void> {
    const connection = await this.environment.open(this.broker, {});
    connection.on('error', () => {});
    const channel = connection.channel();
    const gone = (error: unknown): void => {
      if (!KombuError.is(error, 'ERR_KOMBU_NOT_FOUND')) throw error;
    };
    try {
      for (const name of this.#queues) if (name !== '') await channel.deleteQueue(name).catch(gone);
      for (const name of this.#exchanges) await channel.deleteExchange(name).catch(gone);
    } finally {
      await connection.close();
    }
  }
}
