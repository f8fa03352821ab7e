import { ChannelError, NotSupportedError } from '../errors/index.js';
import type {
  BindingSpec,
  DeleteOptions,
  ExchangeBindingSpec,
  ExchangeSpec,
  Op,
  QueueInfo,
  QueueSpec,
} from '../transport/channel.js';
import { uuid } from '../util/id.js';
import type { Destination } from './binding-cache.js';
import { predeclaredType } from './exchange-kinds.js';
import type { Link } from './link.js';
import { checkSupported, type QueueSettings, queueSettings } from './queue-arguments.js';
import { checkEqual, locked, notFound } from './refusals.js';
import type { BindingRecord, ExchangeRecord, QueueRecord } from './topology-store.js';

/** What a queue has to have in common with an earlier declaration, beside its arguments. */
const SAME_QUEUE = ['durable', 'exclusive', 'autoDelete'] as const;

/** What declarations tell their connection. */
export interface DeclarationHooks {
  /** Everything that was settled goes out first. */
  flush(): void;
  /** A queue with `x-expires` was used. */
  used(queue: string, expiresMs: number): void;
  /** A queue was deleted here. */
  queueGone(queue: string): void;
  /** A queue was bound to a fanout exchange here; resolves when its consumers get what is published from then on. */
  fanout(binding: BindingRecord, o?: Op): Promise<void>;
  unbound(binding: BindingRecord, o?: Op): Promise<void> | undefined;
}

/** Declares, binds and deletes, for all channels of a link. */
export class Declarations {
  readonly #link: Link;
  readonly #hooks: DeclarationHooks;
  /** Exclusive queues of this connection. */
  readonly #owned = new Set<string>();
  readonly #mortal = new Map<string, QueueRecord>();
  /** Bindings to fanout exchanges that were made here, by queue. */
  readonly #fanouts = new Map<string, BindingRecord[]>();

  constructor(link: Link, hooks: DeclarationHooks) {
    this.#link = link;
    this.#hooks = hooks;
  }

  /** Exclusive queues of this connection, to be deleted with it. */
  get owned(): ReadonlySet<string> {
    return this.#owned;
  }

  /** Queues in use here whose messages, or which themselves, may expire. */
  get mortal(): ReadonlyMap<string, QueueRecord> {
    return this.#mortal;
  }

  /** The fanout exchanges that a queue was bound to here. */
  fanouts(queue: string): readonly BindingRecord[] {
    return this.#fanouts.get(queue) ?? [];
  }

  async declareExchange(spec: ExchangeSpec, o?: Op): Promise<void> {
    const { topology, bindings, kinds, transport } = this.#link;
    const standing = predeclaredType(spec.name);
    if (spec.passive) {
      if (spec.name === '' || standing !== undefined) return;
      if ((await topology.loadExchange(spec.name, o))?.record === undefined) throw notFound('exchange', spec.name);
      return;
    }
    if (!kinds.has(spec.type)) {
      throw new NotSupportedError(`${transport} has no exchange type '${spec.type}' (exchange '${spec.name}')`);
    }
    if (spec.name === '' || spec.name.startsWith('amq.')) {
      if (standing === spec.type) return;
      throw new ChannelError('ACCESS_REFUSED', `exchange '${spec.name}' cannot be declared: the name is reserved`);
    }
    const { name, type, durable, autoDelete } = spec;
    const record: ExchangeRecord = { name, type, durable, autoDelete, arguments: spec.arguments };
    checkEqual('exchange', await topology.saveExchange(record, o), record, ['type', 'durable', 'autoDelete']);
    if (topology.view === undefined) bindings.forget(name);
  }

  async deleteExchange(name: string, o: DeleteOptions & Op = {}): Promise<void> {
    const { topology, bindings, driver } = this.#link;
    if (name === '' || name.startsWith('amq.')) {
      throw new ChannelError('ACCESS_REFUSED', `exchange '${name}' cannot be deleted`);
    }
    if (o.ifUnused) {
      const table = await topology.loadExchange(name, o);
      if (table !== undefined && table.bindings.length > 0) {
        throw new ChannelError('PRECONDITION_FAILED', `exchange '${name}' is in use`);
      }
    }
    const sources = await topology.dropExchange(name, o);
    bindings.forget(name);
    await driver.fanout?.drop(name, o);
    await this.#dropUnused(sources, o);
  }

  async declareQueue(spec: QueueSpec, o?: Op): Promise<QueueInfo> {
    this.#hooks.flush();
    const { driver, topology, bindings, capabilities, transport, presence, connectionId } = this.#link;
    if (spec.passive) {
      await this.find(spec.name, o);
      return this.#info(spec.name, o);
    }
    const name = spec.name === '' ? `amq.gen-${uuid()}` : spec.name;
    if (spec.name.startsWith('amq.') && !spec.name.startsWith('amq.gen-')) {
      throw new ChannelError('ACCESS_REFUSED', `queue '${name}' cannot be declared: the name is reserved`);
    }
    const settings = queueSettings(name, spec.arguments);
    checkSupported(transport, capabilities, name, spec.arguments);
    const { durable, exclusive, autoDelete } = spec;
    const owner = exclusive ? connectionId : undefined;
    const record: QueueRecord = { name, durable, exclusive, autoDelete, arguments: spec.arguments, owner };
    const known = await topology.loadQueue(name, o);
    if (known !== undefined && (await this.#unlocked(known, o)) === 'usable')
      checkEqual('queue', known, record, SAME_QUEUE);
    if (exclusive) await this.#claim(name, o);
    try {
      checkEqual('queue', await topology.saveQueue(record, o), record, SAME_QUEUE);
    } catch (error) {
      // Another connection was quicker: what it declared is not ours to delete.
      if (exclusive && known === undefined && this.#owned.delete(name)) await presence.unclaim(name, connectionId, o);
      throw error;
    }
    await driver.createQueue({ ...spec, name }, o);
    if (topology.view === undefined) bindings.forget(name);
    this.#use(record, settings);
    return this.#info(name, o);
  }

  /** A queue to get messages from: from now on it counts as used. NOT_FOUND or RESOURCE_LOCKED as `find`. */
  async use(name: string, o?: Op): Promise<Destination> {
    const destination = await this.find(name, o);
    if (destination.record !== undefined) this.#use(destination.record, destination.settings);
    return destination;
  }

  /** A queue that is there and that this connection may use; NOT_FOUND or RESOURCE_LOCKED else. */
  async find(name: string, o?: Op): Promise<Destination> {
    const { bindings, driver } = this.#link;
    const known = bindings.isLocal ? bindings.queue(name) : undefined;
    const destination = known ?? (await bindings.loadQueue(name, o));
    if (destination.record === undefined) {
      if (!(await driver.hasQueue(name, o))) throw notFound('queue', name);
      return destination;
    }
    const locked = destination.record.exclusive && destination.record.owner !== this.#link.connectionId;
    if (locked && (await this.#unlocked(destination.record, o)) === 'deleted') throw notFound('queue', name);
    return destination;
  }

  async deleteQueue(name: string, o: DeleteOptions & Op = {}): Promise<number> {
    this.#hooks.flush();
    const { driver, topology, presence } = this.#link;
    await this.#unlocked(await topology.loadQueue(name, o), o);
    if (o.ifUnused && (await presence.count(name, o)) > 0) {
      throw new ChannelError('PRECONDITION_FAILED', `queue '${name}' has consumers`);
    }
    const size = await driver.size(name, o);
    if (o.ifEmpty && size > 0)
      throw new ChannelError('PRECONDITION_FAILED', `queue '${name}' is not empty: ${size} ready`);
    await this.dropQueue(name, o);
    return size;
  }

  /** Removes a queue, whatever is in it. */
  async dropQueue(name: string, o?: Op): Promise<void> {
    const { driver, topology, bindings, presence, connectionId } = this.#link;
    const exchanges = await topology.dropQueue(name, o);
    await driver.deleteQueue(name, o);
    bindings.forget(name);
    for (const exchange of exchanges) bindings.forget(exchange);
    this.#mortal.delete(name);
    this.#fanouts.delete(name);
    this.#hooks.queueGone(name);
    if (this.#owned.delete(name)) await presence.unclaim(name, connectionId, o);
    await presence.touch?.(name, 0, o);
    await this.#dropUnused(exchanges, o);
  }

  async purgeQueue(name: string, o?: Op): Promise<number> {
    this.#hooks.flush();
    await this.find(name, o);
    return this.#link.driver.purge(name, o);
  }

  async bindQueue(spec: BindingSpec, o?: Op): Promise<void> {
    await this.find(spec.queue, o);
    await this.#bind(this.#binding(spec, spec.queue, 'queue'), o);
  }

  async unbindQueue(spec: BindingSpec, o?: Op): Promise<void> {
    await this.#unbind(this.#binding(spec, spec.queue, 'queue'), o);
  }

  async bindExchange(spec: ExchangeBindingSpec, o?: Op): Promise<void> {
    await this.#exchange(spec.destination, o);
    await this.#bind(this.#binding({ ...spec, exchange: spec.source }, spec.destination, 'exchange'), o);
  }

  async unbindExchange(spec: ExchangeBindingSpec, o?: Op): Promise<void> {
    await this.#unbind(this.#binding({ ...spec, exchange: spec.source }, spec.destination, 'exchange'), o);
  }

  #binding(
    spec: Pick<BindingSpec, 'exchange' | 'routingKey' | 'arguments'>,
    destination: string,
    destinationType: BindingRecord['destinationType'],
  ): BindingRecord {
    if (spec.exchange === '' || destination === '') {
      throw new ChannelError('ACCESS_REFUSED', 'nothing can be bound to or unbound from the anonymous exchange');
    }
    const { exchange, routingKey } = spec;
    return { exchange, destination, destinationType, routingKey, arguments: spec.arguments };
  }

  async #bind(binding: BindingRecord, o?: Op): Promise<void> {
    const { topology, bindings, kinds } = this.#link;
    const type = await this.#exchange(binding.exchange, o);
    kinds.get(type)?.checkBinding?.(binding);
    await topology.bind(binding, o);
    if (topology.view === undefined) bindings.forget(binding.exchange);
    if (type !== 'fanout' || binding.destinationType !== 'queue') return;
    const known = this.fanouts(binding.destination);
    const same = (other: BindingRecord): boolean =>
      other.exchange === binding.exchange && other.routingKey === binding.routingKey;
    if (!known.some(same)) this.#fanouts.set(binding.destination, [...known, binding]);
    await this.#hooks.fanout(binding, o);
  }

  async #unbind(binding: BindingRecord, o?: Op): Promise<void> {
    const { topology, bindings } = this.#link;
    await topology.unbind(binding, o);
    bindings.forget(binding.exchange);
    const left = this.fanouts(binding.destination).filter(
      (other) => other.exchange !== binding.exchange || other.routingKey !== binding.routingKey,
    );
    this.#fanouts.set(binding.destination, left);
    await this.#hooks.unbound(binding, o);
    await this.#dropUnused([binding.exchange], o);
  }

  #use(record: QueueRecord, settings: QueueSettings): void {
    const { expiresMs, messageTtlMs, deadLetterExchange } = settings;
    if (expiresMs !== undefined) this.#hooks.used(record.name, expiresMs);
    if (expiresMs === undefined && messageTtlMs === undefined && deadLetterExchange === undefined) return;
    this.#mortal.set(record.name, record);
  }

  /** The type of an exchange that is there; NOT_FOUND else. */
  async #exchange(name: string, o?: Op): Promise<string> {
    const standing = predeclaredType(name);
    if (standing !== undefined) return standing;
    const table = await this.#link.topology.loadExchange(name, o);
    if (table === undefined) throw notFound('exchange', name);
    return table.record?.type ?? 'topic';
  }

  /** Deletes auto-delete exchanges that have just lost their last binding. */
  async #dropUnused(exchanges: readonly string[], o?: Op): Promise<void> {
    for (const name of exchanges) {
      const table = await this.#link.topology.loadExchange(name, o);
      if (table?.record?.autoDelete !== true || table.bindings.length > 0) continue;
      const sources = await this.#link.topology.dropExchange(name, o);
      this.#link.bindings.forget(name);
      await this.#dropUnused(sources, o);
    }
  }

  /** RESOURCE_LOCKED for an exclusive queue of another live connection; one of a dead connection is deleted. */
  async #unlocked(record: QueueRecord | undefined, o?: Op): Promise<'usable' | 'deleted'> {
    const { connectionId, presence } = this.#link;
    if (record === undefined || !record.exclusive || record.owner === connectionId) return 'usable';
    if ((await presence.claimedBy(record.name, o)) !== undefined) throw locked(record.name);
    await this.dropQueue(record.name, o);
    return 'deleted';
  }

  async #claim(name: string, o?: Op): Promise<void> {
    const { connectionId, presence, options } = this.#link;
    if (!(await presence.claim(name, connectionId, options.leaseMs, o))) throw locked(name);
    this.#owned.add(name);
  }

  async #info(queue: string, o?: Op): Promise<QueueInfo> {
    const { driver, presence } = this.#link;
    const [messageCount, consumerCount] = await Promise.all([driver.size(queue, o), presence.count(queue, o)]);
    return { queue, messageCount, consumerCount };
  }
}
