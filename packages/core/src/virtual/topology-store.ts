import type { Arguments, Op } from '../transport/channel.js';

/** An exchange as it was declared. */
export interface ExchangeRecord {
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Arguments;
}

/** A queue as it was declared. */
export interface QueueRecord {
  readonly name: string;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Arguments;
  /** The connection that an exclusive queue belongs to. */
  readonly owner?: string | undefined;
}

/** A binding of a queue, or of an exchange, to an exchange. */
export interface BindingRecord {
  /** The exchange that messages come from. */
  readonly exchange: string;
  readonly destination: string;
  readonly destinationType: 'queue' | 'exchange';
  readonly routingKey: string;
  readonly arguments: Arguments;
}

/** All that routing needs to know of an exchange. */
export interface ExchangeTable {
  readonly name: string;
  /** Undefined: only bindings are known (a Python process made them). */
  readonly record: ExchangeRecord | undefined;
  readonly bindings: readonly BindingRecord[];
  /** Changes whenever the table does; compared by the store, opaque to core. */
  readonly version: unknown;
}

/** What a store that lives in this process answers at once. It is always current, so nothing of it is cached or checked. */
export interface TopologyView {
  /** Grows with every change. */
  readonly revision: number;
  exchange(name: string): ExchangeTable | undefined;
  queue(name: string): QueueRecord | undefined;
  queues(): Iterable<QueueRecord>;
}

/**
 * Declarations that all processes share. Writes are atomic and resolve when every later read, in any process, sees them.
 */
export interface TopologyStore {
  /** Undefined: neither declared nor bound to. */
  loadExchange(name: string, o?: Op): Promise<ExchangeTable | undefined>;
  /** Stores the record unless there is one; resolves with the one that is stored now, for core to compare. */
  saveExchange(record: ExchangeRecord, o?: Op): Promise<ExchangeRecord>;
  /** Removes the record and every binding from and to it; resolves with the exchanges it was bound to, for auto-delete. */
  dropExchange(name: string, o?: Op): Promise<readonly string[]>;
  loadQueue(name: string, o?: Op): Promise<QueueRecord | undefined>;
  /** Stores the record unless there is one; resolves with the one that is stored now, for core to compare. */
  saveQueue(record: QueueRecord, o?: Op): Promise<QueueRecord>;
  /** Removes the record and every binding to it; resolves with the exchanges that had such a binding, for auto-delete. */
  dropQueue(name: string, o?: Op): Promise<readonly string[]>;
  /** Idempotent. */
  bind(binding: BindingRecord, o?: Op): Promise<void>;
  /** Removes every binding with that key and destination, also one written by Python with other text for the pattern. */
  unbind(binding: BindingRecord, o?: Op): Promise<void>;
  /** Only where the store lives in this process. */
  readonly view?: TopologyView;
  /** Calls `listener` when a queue is dropped, by whoever; the returned function ends that. Without it core looks now and then. */
  onQueueDropped?(listener: (queue: string) => void): () => void;
}
