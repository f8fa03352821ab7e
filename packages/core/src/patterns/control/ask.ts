import { type CallOptions, checkedTimeout } from '../../connection/deadlines.js';
import type { Queue } from '../../entity/queue.js';
import { Consumer } from '../../messaging/consumer.js';
import type { Message } from '../../messaging/message.js';
import { abortError, throwIfAborted } from '../../util/abort.js';
import { wholeNumber } from '../../util/check-options.js';
import { deferred } from '../../util/deferred.js';
import { ignoreErrors } from '../helpers/ignore-errors.js';
import type { Mailbox } from './mailbox.js';
import type { CallMailboxOptions, NodeReply } from './mailbox-options.js';

/** How long the broker may take to delete the reply queue before it is left to expire. */
const DELETE_MS = 5000;

/**
 * Consumes from a reply queue, sends the request once that is done (so that no reply is missed), and collects the replies with
 * its ticket, until there are enough or none comes in time.
 */
export async function askNodes(
  mailbox: Mailbox,
  queue: Queue,
  ticket: string,
  options: CallMailboxOptions,
  send: (signal: AbortSignal | undefined) => Promise<void>,
): Promise<NodeReply[]> {
  const { connection } = mailbox;
  const { signal, callback } = options;
  const timeoutMs = checkedTimeout(options.timeoutMs, 'call');
  const limit = wholeNumber('call', 'limit', options.limit, 1) ?? Number.POSITIVE_INFINITY;
  throwIfAborted(signal, 'call');
  const replies: NodeReply[] = [];
  const done = deferred();
  let cancel = (): void => {};
  const wait = (): void => {
    cancel();
    if (timeoutMs !== undefined) cancel = connection.clock.after(timeoutMs, done.resolve);
  };
  const take = (message: Message): void => {
    if (replies.length >= limit || !belongs(message, ticket, mailbox)) return;
    const reply = message.payload as NodeReply;
    replies.push(reply);
    callback?.(reply);
    if (replies.length >= limit) done.resolve();
    else wait();
  };
  const onAbort = (): void => done.reject(abortError(signal as AbortSignal, 'call'));
  const channel = connection.channel();
  const consumer = new Consumer(channel, { queues: [queue], accept: mailbox.accept, noAck: true, onMessage: take });
  signal?.addEventListener('abort', onAbort, { once: true });
  done.promise.catch(() => {}); // It may be aborted before anybody waits for it.
  const call: CallOptions = { signal };
  try {
    await consumer.consume(call);
    await send(signal);
    wait();
    await done.promise;
    return replies;
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
    await consumer.close({ drainMs: 0 });
    await ignoreErrors(connection, () => channel.deleteQueue(queue.name, { timeoutMs: DELETE_MS })).catch(() => {});
    await channel.close();
  }
}

/** Adjusts the clock; whether this is a reply to our request and not too late. A reply without a ticket counts as one. */
function belongs({ headers }: Message, ticket: string, { clock, connection }: Mailbox): boolean {
  clock.adjust(typeof headers.clock === 'number' ? headers.clock : 0);
  const { expires } = headers;
  if (typeof expires === 'number' && expires > 0 && connection.clock.now() / 1000 > expires) return false;
  return headers.ticket === undefined || headers.ticket === null || headers.ticket === ticket;
}
