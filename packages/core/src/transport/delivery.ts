/** Application headers, as sent: names and values are kept. */
export type Headers = Record<string, unknown>;

/**
 * The properties of a message, as they are on the wire but with camelCase names (`correlation_id` is `correlationId`).
 * A name that is not listed here (a transport's own, such as `DelaySeconds`) is kept as given.
 */
export interface MessageProperties {
  /** 1 transient, 2 persistent. */
  deliveryMode?: 1 | 2;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  /** Milliseconds to live, as decimal text, as AMQP has it. */
  expiration?: string;
  messageId?: string;
  /** Whole seconds since the Unix epoch. */
  timestamp?: number;
  type?: string;
  userId?: string;
  appId?: string;
  clusterId?: string;
  [name: string]: unknown;
}

/** A message as it is handed to a channel: its body serialized and compressed, nothing encoded for the broker yet. */
export interface WireMessage {
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly headers: Headers;
  readonly properties: MessageProperties;
}

/** Where a message is published to. */
export interface Route {
  /** `''` is the anonymous exchange: the queue that is named by the routing key. */
  readonly exchange: string;
  readonly routingKey: string;
  /** A message that no queue takes is UndeliverableError NO_ROUTE instead of being dropped. */
  readonly mandatory?: boolean;
}

/**
 * A message as a channel delivers it. `body` may be decoded from the broker's form on first use, and throws DecodeError
 * when it cannot be; everything else is plain.
 */
export interface Delivery extends WireMessage {
  /** Names this delivery on its channel. A number on AMQP and memory, text elsewhere. */
  readonly deliveryTag: string | number;
  /** Undefined for what `get` returned. */
  readonly consumerTag: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly queue: string;
  readonly redelivered: boolean;
}

/** A message that came back because no queue took it, on a channel that cannot tell which publish it was. */
export interface ReturnedMessage {
  readonly message: WireMessage;
  readonly exchange: string;
  readonly routingKey: string;
  readonly replyCode: number;
  readonly replyText: string;
}

/** How a delivery is settled: done, dropped (or dead-lettered), or back to its own queue. */
export type Outcome = 'ack' | 'reject' | 'requeue';
