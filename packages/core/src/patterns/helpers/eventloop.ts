import { CALL_OPTION_NAMES } from '../../connection/call-options.js';
import type { Connection } from '../../connection/connection.js';
import type { CallOptions } from '../../connection/deadlines.js';
import { KombuError } from '../../errors/index.js';
import { checkOptionNames, flag, wholeNumber } from '../../util/check-options.js';

/** How {@link eventloop} waits. */
export interface EventloopOptions extends CallOptions {
  /** How many turns: a delivery, or a time without one. Default: no end. */
  readonly limit?: number | undefined;
  /** A time without a delivery is not an error but a turn that yields nothing. Default false. */
  readonly ignoreTimeouts?: boolean | undefined;
}

const NAMES = new Set([...CALL_OPTION_NAMES, 'limit', 'ignoreTimeouts']);

/**
 * For code that polls: yields each time that deliveries, on any channel of the connection, were handed over. Handlers are
 * called without it, too.
 *
 * @throws TimeoutError when none came within `timeoutMs`, unless `ignoreTimeouts`; AbortedError; errors of the link, always.
 */
export async function* eventloop(
  connection: Connection,
  options: EventloopOptions = {},
): AsyncGenerator<void, void, undefined> {
  checkOptionNames('eventloop', options, NAMES);
  const { timeoutMs, signal } = options;
  const limit = wholeNumber('eventloop', 'limit', options.limit, 0) ?? Number.POSITIVE_INFINITY;
  const ignoreTimeouts = flag('eventloop', 'ignoreTimeouts', options.ignoreTimeouts, false);
  for (let turn = 0; turn < limit; turn++) {
    try {
      await connection.drainEvents({ timeoutMs, signal });
    } catch (error) {
      if (!ignoreTimeouts || !KombuError.is(error, 'ERR_KOMBU_TIMEOUT')) throw error;
      continue;
    }
    yield;
  }
}
