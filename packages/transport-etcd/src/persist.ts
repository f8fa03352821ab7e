import { KombuError, OperationalError } from '@kombu/core';
import type { DriverContext } from './driver-context.js';

/** How long to try, and the pauses between two tries, in milliseconds. */
const PATIENCE_MS = 30_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/** Whether the cluster had no time or no leader just now: what was asked for may have been done, or not. */
export function isBusy(error: unknown): boolean {
  return KombuError.is(error, 'ERR_KOMBU_BROKER_BUSY') && error.retryable;
}

/**
 * Does what must not be left undone again and again while the cluster is busy. After half a minute the link is given up, and with it
 * the session: what it holds is anybody's then.
 *
 * @param before the error of a try that was made already
 */
export async function persist<T>(
  { link, transport }: Pick<DriverContext, 'link' | 'transport'>,
  what: string,
  work: () => Promise<T>,
  before?: unknown,
): Promise<T> {
  const { clock } = transport;
  const until = clock.monotonic() + PATIENCE_MS;
  let error = before;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    if (error !== undefined) await new Promise<void>((resolve) => clock.after(pauseMs, resolve, { unref: true }));
    try {
      return await work();
    } catch (cause) {
      if (!isBusy(cause)) throw cause;
      error = cause;
    }
    if (clock.monotonic() < until) continue;
    const lost = new OperationalError('CONNECTION_LOST', `${what} failed for ${PATIENCE_MS / 1000} s`, {
      cause: error,
    });
    link.fail(lost);
    throw lost;
  }
}
