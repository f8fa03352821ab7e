import type { KombuError } from '../errors/index.js';
import type { Arguments, Op, QueueSpec } from '../transport/channel.js';
import type { WireMessage } from '../transport/delivery.js';
import type { BroadcastStore } from './broadcast-store.js';
import type { FanoutStore } from './fanout-store.js';
import type { PresenceStore } from './presence-store.js';
import type { ExchangeTable, TopologyStore } from './topology-store.js';

/**
 * What a driver stores for one message. Stores of text get the JSON envelope; a store that keeps objects (memory) gets the
 * message itself and nothing is encoded. Which of the two is the transport's `payload` setting.
 */
export type Payload = string | StoredMessage;

/** A message kept as an object, never changed once it is stored. */
export interface StoredMessage {
  readonly message: WireMessage;
  readonly exchange: string;
  readonly routingKey: string;
}

/** What max-length makes of a queue. Counted over all priorities; undefined: no limit. */
export interface QueueLimits {
  readonly maxLength?: number | undefined;
  readonly maxLengthBytes?: number | undefined;
  /** Nobody wants what is pushed out (the queue has no dead-letter exchange): the store may drop it instead of returning it. */
  readonly discard?: boolean | undefined;
}

/** One message for one queue. */
export interface PutEntry {
  readonly queue: string;
  readonly payload: Payload;
  /** The envelope's `delivery_tag`, different for every queue. `''` where the payload is an object. */
  readonly deliveryTag: string;
  /** 0-9, 9 first. 0 where the transport has no priorities. */
  readonly priority: number;
  /** Wall-clock milliseconds from which on the message is expired (also written inside the envelope). */
  readonly expiresAt: number | undefined;
  /** Size of the body in bytes, for max-length-bytes. */
  readonly bytes: number;
  /** Limits of the queue, from its declared arguments; undefined: none. */
  readonly limits: QueueLimits | undefined;
  /** What expires in this queue is dead-lettered: a store that removes expired messages by itself must leave this one. */
  readonly deadLettersExpired?: boolean;
  /** The message itself, for drivers that read properties of their own, such as SQS's MessageGroupId. */
  readonly message: WireMessage;
  readonly exchange: string;
  readonly routingKey: string;
}

/** A failed item of a batch: its index in the batch and why. */
export interface ItemFailure {
  readonly index: number;
  readonly error: KombuError;
}

/** What came of a put. */
export interface PutResult {
  /** The entries that were not stored. Empty where all were. */
  readonly failures: readonly ItemFailure[];
  /**
   * What max-length pushed out, reserved for the option `leaseMs` (which the driver is opened with), so that core can
   * dead-letter it and settle it with 'drop'.
   */
  readonly evicted: readonly Reserved[];
  /**
   * Routing tables that were checked and found changed, as they are now. With `stored: false` nothing of the batch was
   * stored, and core routes and puts all of it again; with `stored: true` all of it was stored, and core puts what the new
   * tables add.
   */
  readonly stale?: readonly ExchangeTable[] | undefined;
  readonly stored?: boolean;
}

/** A batch to put. */
export interface PutRequest {
  readonly entries: readonly PutEntry[];
  /** The routing tables that the batch was routed by: to be compared in the same round trip. Only with `topology`. */
  readonly check: readonly { readonly exchange: string; readonly version: unknown }[];
}

/** A message made invisible to others. */
export interface Reserved {
  readonly queue: string;
  /**
   * Names the reservation to the driver; opaque to core. Undefined for what a reserve with `noAck` took and settling cannot put
   * back: what nobody is there to take is then stored again.
   */
  readonly token: unknown;
  readonly payload: Payload;
  /** How often it was delivered before, where the store counts. */
  readonly attempts?: number | undefined;
  /** It was delivered before, as far as the store knows. */
  readonly redelivered?: boolean | undefined;
  /** What the store keeps beside the payload and its consumer is to see among the properties. Only for text. */
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
  /** Wall-clock milliseconds from which on the message is expired, where the store knows. Else the envelope tells. */
  readonly expiresAt?: number | undefined;
}

/** What to reserve. */
export interface ReserveRequest {
  /** Distinct names, the preferred first; at most `limits.queuesPerReserve`. */
  readonly queues: readonly string[];
  /** At least 1, at most `limits.maxBatch`. */
  readonly max: number;
  readonly leaseMs: number;
  /** Take the messages for good: there will be no settle. */
  readonly noAck: boolean;
  /** Where receiving is itself the wait (`limits.receiveWaitMs` > 0): how long to wait; else 0. */
  readonly waitMs: number;
  /** Aborted when the consumer ends. The call then RESOLVES with whatever it took. */
  readonly signal: AbortSignal;
}

/** How a reservation ends: done; removed for good; to the back of its queue, flagged; to the front, in order, unflagged. */
export type SettleOutcome = 'ack' | 'drop' | 'requeue' | 'release';

/** A reservation to settle. */
export interface Settlement {
  readonly queue: string;
  readonly token: unknown;
  readonly outcome: SettleOutcome;
  /** With 'requeue': not before so many milliseconds, where the store can (SQS). */
  readonly delayMs?: number | undefined;
}

/** A reservation whose lease is to be extended. */
export interface LeaseRef {
  readonly queue: string;
  readonly token: unknown;
}

/** Tells when a queue may have something. */
export interface Watch {
  /** From now on `wake` is called for this queue; called once right after, in case something came before. */
  add(queue: string): void;
  remove(queue: string): void;
  close(): Promise<void>;
}

/** Numbers that core adapts itself to. */
export interface DriverLimits {
  /** How many queues one reserve may ask. */
  readonly queuesPerReserve: number;
  /** How many messages one reserve, settle or extend may carry. */
  readonly maxBatch: number;
  /** How many entries one put may carry; default `maxBatch`. */
  readonly maxPutBatch?: number;
  /**
   * So many waiting publishes are put at once, without waiting for the end of the tick, as long as fewer than two puts are on the
   * way: for a store that works on the one while this process makes the other. Default: what comes in one tick is one put.
   */
  readonly earlyPut?: number;
  /** > 0 only where receiving itself is the wait (SQS): the longest wait of one reserve, in milliseconds. */
  readonly receiveWaitMs: number;
  /** What hides a reservation: a lease on each message (renewed with `extend`), a session or the server. */
  readonly lease: 'message' | 'session' | 'server' | 'memory';
  /** Number of distinct priorities; 0: none. */
  readonly priorities: number;
  /** How many reserves of one queue may be in the air at once; default 1. */
  readonly parallelReserves?: number;
  /** Largest payload in bytes as stored; undefined: no limit. */
  readonly maxPayloadBytes?: number | undefined;
}

/**
 * Level 2: what a broker without AMQP's model implements; core makes level 1 of it. A driver is a factory that returns an
 * object literal, one for each link, and owns atomic steps; core owns routing, expiry, dead-lettering, prefetch, the timing
 * of leases, dispatch and re-subscription. An optional member IS the capability.
 *
 * Every method may be called at any time, many at once. A method that fails because the link is gone rejects with
 * OperationalError and `closed` resolves. No method waits longer than its signal lets it.
 */
export interface VirtualDriver {
  /** Resolves once, when the link is gone: with the reason, or with undefined after close(). Never rejects. */
  readonly closed: Promise<KombuError | undefined>;
  readonly limits: DriverLimits;
  /** The raw client, an escape hatch. */
  readonly client: unknown;
  readonly serverVersion?: string | undefined;

  /** Makes the queue exist. Idempotent. Arguments that the store keeps by itself (such as attributes of SQS) are read here. */
  createQueue(queue: QueueSpec, o?: Op): Promise<void>;
  /** Removes the queue and what is in it, reserved or not. Unknown queues are ignored. */
  deleteQueue(name: string, o?: Op): Promise<void>;
  hasQueue(name: string, o?: Op): Promise<boolean>;
  /** Messages that are ready (not reserved). */
  size(name: string, o?: Op): Promise<number>;
  /** Removes what is ready; resolves with how many that were. */
  purge(name: string, o?: Op): Promise<number>;

  /**
   * One atomic step a queue: store within the queue's limits, in the order of the entries. A queue that is not there is made.
   * Calls come in publish order and may overlap; a store that could reorder overlapping calls queues them itself. A
   * synchronous store returns no promise.
   */
  put(request: PutRequest, o?: Op): PutResult | Promise<PutResult>;
  /**
   * Makes up to `max` messages invisible to others and returns them; MUST NOT delete (unless noAck). Never waits, except for
   * `waitMs`. A synchronous store returns no promise.
   */
  reserve(request: ReserveRequest): readonly Reserved[] | Promise<readonly Reserved[]>;
  /**
   * Ends reservations. A reservation that is someone else's by now fails with LEASE_LOST and changes nothing. One that fails
   * with CONNECTION_LOST, alone or with the whole call, is settled again over the next link.
   */
  settle(items: readonly Settlement[], o?: Op): readonly ItemFailure[] | Promise<readonly ItemFailure[]>;

  /** At most one a connection, for all consumers; presence = no polling. */
  watch?(wake: (queue: string) => void): Watch;
  /** Renews leases; the items that are lost fail with LEASE_LOST, those that the link was lost for with CONNECTION_LOST. */
  extend?(items: readonly LeaseRef[], leaseMs: number, o?: Op): Promise<readonly ItemFailure[]>;
  /** Puts expired reservations of others back, each on its own queue with `redelivered`; resolves with how many (at most `limit`). */
  recover?(request: { readonly limit: number; readonly signal: AbortSignal }): Promise<number>;
  /** Reserves up to `max` messages at the head of the queue whose expiry has passed, so that queues nobody consumes expire too. */
  reserveExpired?(request: {
    readonly queue: string;
    readonly max: number;
    readonly now: number;
    readonly leaseMs: number;
    readonly signal: AbortSignal;
  }): readonly Reserved[] | Promise<readonly Reserved[]>;

  /** Exchanges, queue arguments and bindings shared by all processes; else they live in this process and capabilities say so. */
  readonly topology?: TopologyStore;
  /** Who consumes; else scope 'process', and nothing another process may use is deleted. */
  readonly presence?: PresenceStore;
  /** Fanout to whoever is subscribed; else fanout copies to each bound queue. */
  readonly broadcast?: BroadcastStore;
  /** The broker copies fanout messages into the bound queues by itself; instead of `broadcast`. */
  readonly fanout?: FanoutStore;

  /** Ends the link. What is reserved has been released by core before. */
  close(): Promise<void>;
  /** Ends the link at once, without I/O. */
  destroy(): void;
}

/** The arguments that a queue was declared with, as core keeps them. */
export type QueueArguments = Arguments;
