import type { KombuError } from '../errors/index.js';
import type { Delivery, Outcome, ReturnedMessage, Route, WireMessage } from './delivery.js';

/** A value, or a promise of one: a synchronous driver stays synchronous. */
export type MaybePromise<T> = T | Promise<T>;

/** What every call that can wait takes. */
export interface Op {
  readonly signal?: AbortSignal | undefined;
}

/** What a publish takes. A deadline instead of a signal, because a signal for each message costs more than the message. */
export interface PublishOp extends Op {
  /** On the scale of `clock.monotonic()`: from then on the publish must have been settled, with TimeoutError `sent: 'no' | 'maybe'` if need be. */
  readonly deadline?: number | undefined;
}

/** A table of arguments, such as `{ 'x-max-length': 10 }`. */
export type Arguments = Readonly<Record<string, unknown>>;

/** An exchange to declare. */
export interface ExchangeSpec {
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Arguments;
  /** Only check that it is there: NOT_FOUND when not. */
  readonly passive?: boolean;
}

/** A queue to declare. */
export interface QueueSpec {
  /** `''`: the broker chooses a name. */
  readonly name: string;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  /** The x-arguments, milliseconds where AMQP has milliseconds. */
  readonly arguments: Arguments;
  readonly passive?: boolean;
}

/** What a declared queue is like. */
export interface QueueInfo {
  readonly queue: string;
  readonly messageCount: number;
  readonly consumerCount: number;
}

/** A queue's binding to an exchange. */
export interface BindingSpec {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly arguments: Arguments;
}

/** An exchange's binding to an exchange: what reaches `source` goes on to `destination`. */
export interface ExchangeBindingSpec {
  readonly destination: string;
  readonly source: string;
  readonly routingKey: string;
  readonly arguments: Arguments;
}

/** When an exchange or a queue is not to be deleted; PRECONDITION_FAILED then. */
export interface DeleteOptions {
  readonly ifUnused?: boolean;
  /** Queues only. */
  readonly ifEmpty?: boolean;
}

/** A consumer to start. */
export interface ConsumeRequest {
  readonly queue: string;
  readonly tag: string;
  /** Messages count as settled when they are delivered. */
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly noLocal: boolean;
  readonly arguments: Arguments;
  /** How many unsettled deliveries this consumer may hold; 0: no limit but the transport's own. */
  readonly prefetch: number;
}

/** What a channel tells its owner. Called synchronously; must not throw. */
export interface ChannelEvents {
  returned(message: ReturnedMessage): void;
  /** The broker ended this consumer, because its queue was deleted or for another reason. */
  cancelledByBroker(consumerTag: string, why: KombuError): void;
  /** A settlement that the channel had taken failed later, for example with LEASE_LOST. */
  settleFailed(delivery: Delivery, error: KombuError): void;
  /** Something went wrong that no call can be told of, for example a dropped fanout message. */
  warning(error: KombuError): void;
}

/**
 * Level 1: what Connection, Producer and Consumer talk to. One channel lives as long as its link.
 *
 * An operation that fails ends itself and nothing else: where the protocol closes a channel on an error, the transport uses
 * as many of the broker's channels as that takes, opened when they are needed. Prefetch belongs to the consumer, not to the
 * channel. Publishes reach the broker in call order, consumers' deliveries come in the broker's order.
 */
export interface Channel {
  /** Resolves once, when the channel can do no more: with the reason, or with undefined after close(). Never rejects. */
  readonly closed: Promise<KombuError | undefined>;
  declareExchange(exchange: ExchangeSpec, o?: Op): Promise<void>;
  deleteExchange(name: string, o?: DeleteOptions & Op): Promise<void>;
  declareQueue(queue: QueueSpec, o?: Op): Promise<QueueInfo>;
  /** Resolves with the number of messages that were in it. A queue that is not there counts as deleted. */
  deleteQueue(name: string, o?: DeleteOptions & Op): Promise<number>;
  purgeQueue(name: string, o?: Op): Promise<number>;
  bindQueue(binding: BindingSpec, o?: Op): Promise<void>;
  unbindQueue(binding: BindingSpec, o?: Op): Promise<void>;
  /** Presence is support. */
  bindExchange?(binding: ExchangeBindingSpec, o?: Op): Promise<void>;
  unbindExchange?(binding: ExchangeBindingSpec, o?: Op): Promise<void>;
  /**
   * Ends when the broker has taken the message (at once where it has, with nothing returned). Rejects with
   * UndeliverableError NO_ROUTE for a mandatory message that no queue takes, with BufferFullError above the transport's limit
   * of publishes in flight, with TimeoutError (`sent`) at the deadline.
   */
  publish(message: WireMessage, route: Route, o?: PublishOp): MaybePromise<void>;
  /**
   * Starts a consumer; resolves when the broker has it. `deliver` is called synchronously, never before the returned promise
   * was handed out, and must not throw.
   */
  consume(request: ConsumeRequest, deliver: (delivery: Delivery) => void, o?: Op): Promise<void>;
  /**
   * Changes the prefetch of a running consumer; deliveries in hand stay. Where it is absent the consumer is restarted to do it.
   */
  setPrefetch?(consumerTag: string, prefetch: number): MaybePromise<void>;
  /** How many unsettled deliveries all consumers of this channel may hold together; 0: no limit. Presence is support. */
  setChannelPrefetch?(prefetch: number): MaybePromise<void>;
  /** Ends a consumer. Nothing is delivered once it has resolved; deliveries in hand stay settleable. Unknown tags are ignored. */
  cancel(consumerTag: string): Promise<void>;
  get(queue: string, o?: Op & { noAck?: boolean }): Promise<Delivery | undefined>;
  /**
   * Settles a delivery; ends when the channel has taken the settlement, normally at once and with nothing returned. With
   * `confirm` it ends when the broker has. Throws StaleDeliveryError for a delivery that died with its link. `multiple` settles
   * every unsettled delivery of this channel up to and including this one. `release` gives a delivery that nobody has looked at
   * back to the front of its queue.
   */
  settle(
    delivery: Delivery,
    outcome: Outcome | 'release',
    o?: { multiple?: boolean; confirm?: boolean },
  ): MaybePromise<void>;
  /** Puts every unsettled delivery of this channel back on its queue. Presence is support. */
  recover?(o: { requeue: true }): Promise<void>;
  /** Flushes what is pending, releases unsettled deliveries, ends. Idempotent. */
  close(): Promise<void>;
}
