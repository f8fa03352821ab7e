import type { RetryPolicy } from '../connection/retry.js';
import type { BoundExchange } from '../entity/bound-exchange.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import type { DeliveryMode } from '../entity/delivery-mode.js';
import type { Exchange } from '../entity/exchange.js';
import type { Queue } from '../entity/queue.js';

/** An exchange or a queue, bound to a channel or not. */
export type Entity = Exchange | Queue | BoundExchange | BoundQueue;

/** What describes a message, apart from its body and where it goes. */
export interface MessageOptions {
  /** The serializer: `json`, `msgpack`, `yaml`, `pickle`, `raw`, or one that was registered. Unset: objects are json, a string is `text/plain`, bytes are `application/data`. */
  serializer?: string | undefined;
  /** The compression, such as `zlib`, `bzip2`, `brotli`, `xz`, `zstd`. Default: none. */
  compression?: string | undefined;
  /** The body is serialized already, as this MIME type: it must be a string or bytes. */
  contentType?: string | undefined;
  /** The character set of a body that is serialized already. Default `utf-8` for a string, `binary` for bytes. */
  contentEncoding?: string | undefined;
  /** Application headers. Names and values arrive as they are. */
  headers?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Higher goes first: a whole number from 0 to 255, as AMQP has it. A broker tells no more of them apart than its queues do: on
   * AMQP what is above the queue's `maxPriority` counts as that, everywhere else what is above 9 counts as 9. Default 0.
   */
  priority?: number | undefined;
  /** Whether it is kept on disk. Default: the exchange's, else `persistent`. */
  deliveryMode?: DeliveryMode | undefined;
  /** Milliseconds to live in a queue. Fractions are cut off. Default: for ever. */
  expirationMs?: number | undefined;
  /** Where an answer is to go: a queue or its name. */
  replyTo?: string | Queue | BoundQueue | undefined;
  /** What an answer is recognised by. */
  correlationId?: string | undefined;
  messageId?: string | undefined;
  /** When it was made: a Date or milliseconds since the Unix epoch; whole seconds on the wire. */
  timestamp?: Date | number | undefined;
  /** What kind of message it is. */
  type?: string | undefined;
  appId?: string | undefined;
  /** RabbitMQ checks that it is the user of the connection. */
  userId?: string | undefined;
  /** Further properties, such as a transport's own, in camelCase. The options above go over them. */
  properties?: Readonly<Record<string, unknown>> | undefined;
}

/** What {@link Producer.publish} takes besides the body. */
export interface PublishOptions extends MessageOptions {
  /** Where it goes; a name, or an exchange, whose delivery mode then counts too. Default: the producer's, else `''`. */
  exchange?: Exchange | BoundExchange | string | undefined;
  /** Default: the producer's, else `''`. */
  routingKey?: string | undefined;
  /** What has to be declared before; once for each link. */
  declare?: readonly Entity[] | undefined;
  /** A message that no queue takes goes to `onReturn`, or else rejects with UndeliverableError NO_ROUTE. Default false: it is dropped. */
  mandatory?: boolean | undefined;
  /** Not supported by any broker any more: true is NotSupportedError. */
  immediate?: boolean | undefined;
  /** Sends again after a lost link (nothing is lost, duplicates are possible); true, or how. Default false. */
  retry?: boolean | RetryPolicy | undefined;
  /** Milliseconds for everything together: connect, declare, confirm. Default 30000; 0: no limit. */
  timeoutMs?: number | undefined;
  /** Ends the wait with AbortedError. */
  signal?: AbortSignal | undefined;
}

/** The names of {@link MessageOptions}. */
export const MESSAGE_OPTION_NAMES: readonly string[] = [
  'serializer',
  'compression',
  'contentType',
  'contentEncoding',
  'headers',
  'priority',
  'deliveryMode',
  'expirationMs',
  'replyTo',
  'correlationId',
  'messageId',
  'timestamp',
  'type',
  'appId',
  'userId',
  'properties',
];

/** The names of {@link PublishOptions}. */
export const PUBLISH_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...MESSAGE_OPTION_NAMES,
  'exchange',
  'routingKey',
  'declare',
  'mandatory',
  'immediate',
  'retry',
  'timeoutMs',
  'signal',
]);
