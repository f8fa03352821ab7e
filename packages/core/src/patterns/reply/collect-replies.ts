import type { Channel } from '../../connection/channel.js';
import type { Connection } from '../../connection/connection.js';
import type { BoundQueue } from '../../entity/bound-queue.js';
import type { Queue } from '../../entity/queue.js';
import { ignoreErrors } from '../helpers/ignore-errors.js';
import { type ItermessagesOptions, itermessages } from './itermessages.js';

/**
 * The payloads of the replies that come to a queue: at most `limit` (default 1), and until none comes for `timeoutMs`. They
 * count as done when they are delivered, unless `noAck` is false: then each is acknowledged. A reply queue is for one question:
 * once there was a reply it is deleted in the end.
 *
 * @param channel where to consume; undefined: a channel of its own.
 * @throws AbortedError; DecodeError; what starting the consumer throws.
 */
export async function* collectReplies<T = unknown>(
  connection: Connection,
  channel: Channel | undefined,
  queue: Queue<T> | BoundQueue<T>,
  options: ItermessagesOptions<T> = {},
): AsyncGenerator<T, void, undefined> {
  const noAck = options.noAck ?? true;
  let received = 0;
  try {
    for await (const message of itermessages(connection, channel, queue, { ...options, noAck })) {
      received++;
      if (!noAck) await message.ack();
      yield message.payload;
    }
  } finally {
    if (received > 0) {
      await ignoreErrors(connection, () => (channel ?? connection.defaultChannel).deleteQueue(queue.name));
    }
  }
}
