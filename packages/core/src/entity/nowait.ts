import { CALL_OPTION_NAMES } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import type { CallOptions } from '../connection/deadlines.js';
import { KombuError, OperationalError } from '../errors/index.js';

/** For operations that need not be waited for. */
export interface NowaitOptions {
  /** Do not wait until the broker has done it; a failure is the connection's `error` event then. Default false. */
  nowait?: boolean | undefined;
}

/** The names of {@link CallOptions} and {@link NowaitOptions}. */
export const NOWAIT_OPTION_NAMES: ReadonlySet<string> = new Set([...CALL_OPTION_NAMES, 'nowait']);

/** The end of `operation`, or `early` at once with `nowait`. */
export async function unlessNowait<T>(
  channel: Channel,
  options: NowaitOptions,
  operation: Promise<T>,
  early: T,
): Promise<T> {
  if (options.nowait !== true) return operation;
  operation.catch((error: unknown) => {
    const known = KombuError.is(error)
      ? error
      : new OperationalError('CONNECTION_LOST', 'An operation that was not waited for failed', { cause: error });
    channel.connection.emitError(known);
  });
  return early;
}

/** The part of `options` that every waiting call takes. */
export function callOptions(options: CallOptions): CallOptions {
  return {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  };
}
