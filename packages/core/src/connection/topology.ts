import type { Arguments, BindingSpec, ExchangeBindingSpec, ExchangeSpec, QueueSpec } from '../transport/channel.js';

/** A queue as it is to be declared again. */
export interface RecordedQueue {
  readonly spec: QueueSpec;
  /** The broker chose its name. */
  readonly serverNamed: boolean;
  /** Since when nobody here uses it, on the scale of `clock.monotonic()`; undefined: somebody does. */
  readonly idleSince: number | undefined;
}

/** From so many queues on, those that the broker has expired by now are looked for. */
const FIRST_SWEEP = 64;
/** So many queues that were deleted here are remembered. */
const MAX_DELETED = 1000;

/**
 * Remembers what was declared through a connection, so that it can be declared again on the next link. What is deleted, here
 * or by the broker's own rules (auto-delete), is forgotten.
 */
export class TopologyRecorder {
  readonly #exchanges = new Map<string, ExchangeSpec>();
  readonly #queues = new Map<string, RecordedQueue>();
  readonly #bindings = new Map<string, BindingSpec>();
  readonly #exchangeBindings = new Map<string, ExchangeBindingSpec>();
  readonly #renamed = new Map<string, string>();
  readonly #deletedHere = new Set<string>();
  readonly #now: () => number;
  #sweepAt = FIRST_SWEEP;

  /** @param now milliseconds that only ever grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get exchanges(): readonly ExchangeSpec[] {
    return [...this.#exchanges.values()];
  }

  get queues(): readonly RecordedQueue[] {
    this.#sweep();
    return [...this.#queues.values()];
  }

  get bindings(): readonly BindingSpec[] {
    return [...this.#bindings.values()];
  }

  get exchangeBindings(): readonly ExchangeBindingSpec[] {
    return [...this.#exchangeBindings.values()];
  }

  /** How many declarations and bindings are remembered. */
  get size(): number {
    return this.#exchanges.size + this.#queues.size + this.#bindings.size + this.#exchangeBindings.size;
  }

  exchangeDeclared(spec: ExchangeSpec): void {
    if (spec.passive) return;
    this.#exchanges.set(spec.name, { ...spec, arguments: { ...spec.arguments } });
  }

  /** @param name the name that the broker answered with. */
  queueDeclared(spec: QueueSpec, name: string): void {
    this.#deletedHere.delete(name);
    if (spec.passive) return;
    const serverNamed = spec.name === '' || this.#queues.get(name)?.serverNamed === true;
    const idleSince =
      this.#queues.has(name) && this.#queues.get(name)?.idleSince === undefined ? undefined : this.#now();
    this.#queues.set(name, { spec: { ...spec, name, arguments: { ...spec.arguments } }, serverNamed, idleSince });
    if (this.#queues.size < this.#sweepAt) return;
    this.#sweep();
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#queues.size);
  }

  /** A message was taken out of the queue. */
  queueUsed(name: string): void {
    const queue = this.#queues.get(name);
    if (queue?.idleSince !== undefined) this.#queues.set(name, { ...queue, idleSince: this.#now() });
  }

  consumerStarted(name: string): void {
    const queue = this.#queues.get(name);
    if (queue !== undefined) this.#queues.set(name, { ...queue, idleSince: undefined });
  }

  queueBound(binding: BindingSpec): void {
    this.#bindings.set(keyOf(binding.exchange, binding.queue, binding), { ...binding });
  }

  queueUnbound(binding: BindingSpec): void {
    if (this.#bindings.delete(keyOf(binding.exchange, binding.queue, binding))) this.#unused(binding.exchange);
  }

  exchangeBound(binding: ExchangeBindingSpec): void {
    this.#exchangeBindings.set(keyOf(binding.source, binding.destination, binding), { ...binding });
  }

  exchangeUnbound(binding: ExchangeBindingSpec): void {
    const key = keyOf(binding.source, binding.destination, binding);
    if (this.#exchangeBindings.delete(key)) this.#unused(binding.source);
  }

  /** A queue is about to be deleted through this connection; returns how to take that back when it could not be. */
  queueDeleting(name: string): () => void {
    this.#deletedHere.add(name);
    if (this.#deletedHere.size > MAX_DELETED)
      this.#deletedHere.delete(this.#deletedHere.values().next().value as string);
    return () => this.#deletedHere.delete(name);
  }

  /** Whether the queue was deleted through this connection, and not declared again since. */
  wasDeletedHere(name: string): boolean {
    return this.#deletedHere.has(name);
  }

  queueDeleted(name: string): void {
    this.#queues.delete(name);
    for (const [key, binding] of this.#bindings) {
      if (binding.queue !== name) continue;
      this.#bindings.delete(key);
      this.#unused(binding.exchange);
    }
  }

  exchangeDeleted(name: string): void {
    this.#exchanges.delete(name);
    for (const [key, binding] of this.#bindings) if (binding.exchange === name) this.#bindings.delete(key);
    for (const [key, binding] of this.#exchangeBindings) {
      if (binding.source !== name && binding.destination !== name) continue;
      this.#exchangeBindings.delete(key);
      if (binding.source !== name) this.#unused(binding.source);
    }
  }

  /** The last consumer that this connection had on a queue is gone: an auto-delete queue is not to come back then. */
  consumersGone(name: string): void {
    const queue = this.#queues.get(name);
    if (queue === undefined) return;
    if (queue.spec.autoDelete) this.queueDeleted(name);
    else this.#queues.set(name, { ...queue, idleSince: this.#now() });
  }

  /** A server-named queue has come back under another name. */
  queueRenamed(from: string, to: string): void {
    const queue = this.#queues.get(from);
    if (queue === undefined || from === to) return;
    this.#queues.delete(from);
    this.#queues.set(to, { ...queue, spec: { ...queue.spec, name: to } });
    for (const [key, binding] of [...this.#bindings]) {
      if (binding.queue !== from) continue;
      this.#bindings.delete(key);
      this.queueBound({ ...binding, queue: to });
    }
    for (const [old, name] of this.#renamed) if (name === from) this.#renamed.set(old, to);
    this.#renamed.set(from, to);
  }

  /** The name that a queue has by now. */
  currentName(name: string): string {
    return this.#renamed.size === 0 ? name : (this.#renamed.get(name) ?? name);
  }

  clear(): void {
    this.#exchanges.clear();
    this.#queues.clear();
    this.#bindings.clear();
    this.#exchangeBindings.clear();
    this.#renamed.clear();
    this.#deletedHere.clear();
  }

  /** Forgets the queues that nobody used for as long as their `x-expires` says: the broker has done the same. */
  #sweep(): void {
    const now = this.#now();
    for (const [name, { spec, idleSince }] of this.#queues) {
      const expires = spec.arguments['x-expires'];
      if (typeof expires === 'number' && idleSince !== undefined && idleSince + expires < now) this.queueDeleted(name);
    }
  }

  /** An auto-delete exchange goes when the last binding from it goes. */
  #unused(exchange: string): void {
    if (this.#exchanges.get(exchange)?.autoDelete !== true) return;
    for (const binding of this.#bindings.values()) if (binding.exchange === exchange) return;
    for (const binding of this.#exchangeBindings.values()) if (binding.source === exchange) return;
    this.exchangeDeleted(exchange);
  }
}

function keyOf(source: string, destination: string, binding: { routingKey: string; arguments: Arguments }): string {
  return JSON.stringify([source, destination, binding.routingKey, canonical(binding.arguments)]);
}

/** Equal for equal values, whatever the order of keys. */
function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Date) return `@${value.getTime()}`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => [name, canonical(item)]);
}
