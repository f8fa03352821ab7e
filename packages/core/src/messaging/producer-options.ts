import type { BoundExchange } from '../entity/bound-exchange.js';
import type { Exchange } from '../entity/exchange.js';
import type { UndeliverableError } from '../errors/index.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import type { Message } from './message.js';

/** Told of a mandatory message that no queue took. */
export type ReturnHandler = (
  error: UndeliverableError,
  exchange: string,
  routingKey: string,
  message: Message,
) => unknown;

/** What a {@link Producer} is made with: defaults for its messages. */
export interface ProducerOptions {
  /** Where messages go that name no exchange. Default: the default exchange. */
  exchange?: Exchange | BoundExchange | string | undefined;
  /** Their routing key. Default `''`. */
  routingKey?: string | undefined;
  /** Default: objects are json, a string is `text/plain`, bytes are `application/data`. */
  serializer?: string | undefined;
  /** Default: none. */
  compression?: string | undefined;
  /** Whether the default exchange is declared before the first message. Default true. */
  autoDeclare?: boolean | undefined;
  /** A Standard Schema of the bodies: what does not match is an EncodeError. Default: that of the queues in `declare`, if any. */
  schema?: StandardSchema<unknown, unknown> | undefined;
  /** Gets mandatory messages that no queue takes. Default: their publish rejects with UndeliverableError NO_ROUTE. */
  onReturn?: ReturnHandler | undefined;
}
