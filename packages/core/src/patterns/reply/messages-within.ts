import { CALL_OPTION_NAMES } from '../../connection/call-options.js';
import { type CallOptions, checkedTimeout } from '../../connection/deadlines.js';
import type { Consumer } from '../../messaging/consumer.js';
import type { Message } from '../../messaging/message.js';
import { abortError, throwIfAborted } from '../../util/abort.js';
import { checkOptionNames, wholeNumber } from '../../util/check-options.js';
import { deferred } from '../../util/deferred.js';

/** How messages are waited for. */
export interface DrainOptions extends CallOptions {
  /** How many messages. Default 1; Infinity: no end. */
  readonly limit?: number | undefined;
  /** The longest wait for one message, in milliseconds; then that is all. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

const NAMES = new Set([...CALL_OPTION_NAMES, 'limit']);

/**
 * The messages of a consumer one by one: at most `limit`, and until none comes for `timeoutMs`.
 *
 * @throws AbortedError
 */
export async function* messagesWithin<T>(
  what: string,
  consumer: Consumer<T>,
  options: DrainOptions,
): AsyncGenerator<Message<T>, void, undefined> {
  checkOptionNames(what, options, NAMES);
  const { signal } = options;
  const asked = options.limit === Number.POSITIVE_INFINITY ? undefined : (options.limit ?? 1);
  const limit = wholeNumber(what, 'limit', asked, 0) ?? Number.POSITIVE_INFINITY;
  const timeoutMs = checkedTimeout(options.timeoutMs, what);
  throwIfAborted(signal, what);
  const { clock } = consumer.connection;
  const messages = consumer[Symbol.asyncIterator]();
  const ended = deferred<IteratorResult<Message<T>, undefined>>();
  // A message that was handed over before is there before the end is.
  const end = (): void => void messages.return?.().then(ended.resolve, ended.reject);
  signal?.addEventListener('abort', end, { once: true });
  try {
    for (let count = 0; count < limit; count++) {
      const cancel = timeoutMs === undefined ? undefined : clock.after(timeoutMs, end);
      const next = messages.next();
      next.catch(() => {}); // Where the end is first.
      const result = await Promise.race([next, ended.promise]).finally(() => cancel?.());
      if (signal?.aborted && result.done) throw abortError(signal, what);
      if (result.done) return;
      yield result.value;
    }
  } finally {
    signal?.removeEventListener('abort', end);
    await messages.return?.();
  }
}
