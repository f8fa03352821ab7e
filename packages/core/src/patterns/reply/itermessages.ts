import type { Channel } from '../../connection/channel.js';
import type { Connection } from '../../connection/connection.js';
import type { BoundQueue } from '../../entity/bound-queue.js';
import type { Queue } from '../../entity/queue.js';
import { Consumer } from '../../messaging/consumer.js';
import type { ConsumerOptions } from '../../messaging/consumer-options.js';
import type { Message } from '../../messaging/message.js';
import { type DrainOptions, messagesWithin } from './messages-within.js';

/** How {@link itermessages} consumes. */
export interface ItermessagesOptions<T = unknown>
  extends DrainOptions,
    Pick<
      ConsumerOptions<T>,
      'accept' | 'noAck' | 'autoDeclare' | 'prefetchCount' | 'exclusive' | 'noLocal' | 'onDecodeError' | 'tagPrefix'
    > {}

/**
 * The messages of a consumer one by one: at most `limit` (default 1), and until none comes for `timeoutMs`. The consumer must
 * have no handler. They have to be settled, unless it takes them for good. What is prefetched and not yielded goes back.
 *
 * @throws InvalidOptionError when the consumer has a handler; AbortedError; what starting the consumer throws.
 */
export function drainConsumer<T>(
  consumer: Consumer<T>,
  options: DrainOptions = {},
): AsyncGenerator<Message<T>, void, undefined> {
  return messagesWithin('drainConsumer', consumer, options);
}

/**
 * The messages of a queue one by one: at most `limit` (default 1), and until none comes for `timeoutMs`. They have to be
 * settled, unless `noAck`. What is prefetched and not yielded goes back.
 *
 * @param channel where to consume; undefined: a channel of its own.
 * @throws AbortedError; what starting the consumer throws.
 */
export async function* itermessages<T = unknown>(
  connection: Connection,
  channel: Channel | undefined,
  queue: Queue<T> | BoundQueue<T>,
  { limit, timeoutMs, signal, ...consumerOptions }: ItermessagesOptions<T> = {},
): AsyncGenerator<Message<T>, void, undefined> {
  const prefetchCount = consumerOptions.prefetchCount ?? prefetchFor(limit);
  const consumer = new Consumer<T>(channel ?? connection, { ...consumerOptions, prefetchCount, queues: [queue] });
  yield* messagesWithin('itermessages', consumer, { limit, timeoutMs, signal });
}

/** No more than will be yielded. */
function prefetchFor(limit = 1): number | undefined {
  return limit >= 1 && limit < 50 ? limit : undefined;
}
