import type { BoundExchange } from '../../entity/bound-exchange.js';
import type { Exchange } from '../../entity/exchange.js';
import { InvalidOptionError } from '../../errors/index.js';
import type { Message } from '../../messaging/message.js';
import type { Producer } from '../../messaging/producer.js';
import type { PublishOptions } from '../../messaging/publish-options.js';

/** How {@link sendReply} answers: everything that `publish` takes, and what publishes. */
export interface SendReplyOptions extends PublishOptions {
  /** What publishes. Default: the channel that the request came on. */
  producer?: Producer | undefined;
}

/**
 * Answers a request: publishes `body` to `exchange` with the request's reply-to as the routing key, its correlation id, and its
 * serializer.
 *
 * @throws InvalidOptionError when the request says not where the answer is to go; what `publish` throws.
 */
export function sendReply(
  exchange: Exchange | BoundExchange | string,
  request: Message,
  body: unknown,
  { producer, ...options }: SendReplyOptions = {},
): Promise<void> {
  const { replyTo, correlationId } = request.properties;
  if (typeof replyTo !== 'string' || replyTo === '') {
    return Promise.reject(new InvalidOptionError('sendReply: the request has no reply-to'));
  }
  const answer: PublishOptions = { exchange, routingKey: replyTo, ...encodingLike(request), ...options };
  if (typeof correlationId === 'string') answer.correlationId ??= correlationId;
  return (producer ?? request.channel.producer()).publish(body, answer);
}

/** The serializer that the request was written with, where it is one that can write any value. */
function encodingLike({ contentType, channel }: Message): PublishOptions {
  if (contentType === undefined || contentType.startsWith('text/')) return {};
  const { serializers } = channel.connection.codec;
  const name = serializers.names().find((one) => one !== 'raw' && serializers.typeOf(one) === contentType);
  return name === undefined ? {} : { serializer: name };
}
