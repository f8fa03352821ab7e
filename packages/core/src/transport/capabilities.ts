/**
 * What a transport can do: read by README tables, by the conformance suite and by NotSupportedError. A capability that is
 * declared must work; one that is not must throw NotSupportedError when it is used.
 */
export interface TransportCapabilities {
  /** Exchange types it routes by; `'any'`: passed to the broker as given. */
  readonly exchangeTypes: readonly string[] | 'any';
  /** Whether exchanges can be bound to exchanges. */
  readonly exchangeBindings: boolean;
  /** How fanout reaches queues: a copy in each bound queue, or only those subscribed at that moment (at most once). */
  readonly fanout: 'queues' | 'subscribers' | 'none';
  /** Number of distinct priorities that are honoured; 0: none. */
  readonly priorities: number;
  /** Whether a message's own `expirationMs` is honoured. */
  readonly messageTtl: boolean;
  /** Whether a queue's `messageTtlMs` is honoured. */
  readonly queueTtl: boolean;
  /** Whether a queue's `expiresMs` (unused queues are deleted) is honoured. */
  readonly queueExpiry: boolean;
  /** Whether `maxLength` and `maxLengthBytes` are honoured (drop-head). */
  readonly maxLength: boolean;
  /** Whether dead-letter exchanges are honoured on reject, expiry and overflow. */
  readonly deadLetter: boolean;
  /** Whether `mandatory` is honoured. */
  readonly mandatory: boolean;
  /** Whether publish resolves on the broker's own confirmation. */
  readonly confirms: boolean;
  /**
   * Whether one message can be delivered twice when nothing fails. After a failure (a consumer or a link that ends before it has
   * acknowledged) every transport delivers again, so that handlers see each message at least once.
   */
  readonly delivery: 'exactly-once' | 'at-least-once';
  /** What order a queue keeps: first in, first out for one consumer; or none. */
  readonly order: 'fifo' | 'none';
  /** Who shares queues and messages: everybody at the broker, or this process only. */
  readonly scope: 'broker' | 'process';
  /** Who shares declarations and bindings. */
  readonly topology: 'broker' | 'process';
  /** Who sees consumers (exclusive, auto-delete): everybody at the broker, or this process only. */
  readonly presence: 'broker' | 'process';
  /** What hides a reserved message: the link (AMQP), a lease on each message, a session, the server's own timer, or nothing but memory. */
  readonly lease: 'link' | 'message' | 'session' | 'server' | 'memory';
  /** Whether deliveries of a lost link can still be settled after it was replaced. */
  readonly settleAfterReconnect: boolean;
  /** Whether messages outlive the broker's restart. */
  readonly durable: boolean;
  /** For how long a publish may not see a binding that another process made; 0: it always does. */
  readonly bindingsMaxAgeMs: number;
  /** Largest body in bytes, before encoding; undefined: no limit of its own. */
  readonly maxBodyBytes: number | undefined;
  /** The smallest unit in which expiry is kept, in milliseconds. */
  readonly ttlGranularityMs: number;
  /** Whether a consumer can be the only one of its queue (`exclusive`). */
  readonly exclusiveConsumers: boolean;
  /** Whether `x-priority` among consumers is honoured. */
  readonly consumerPriority: boolean;
  /** Whether `noLocal` is honoured. */
  readonly noLocal: boolean;
}
