import type { Connection } from '../../connection/connection.js';
import { isLinkError } from '../../connection/retry.js';
import { KombuError, type KombuErrorCode } from '../../errors/index.js';

/** What a channel that failed or is gone says. */
const CHANNEL_CODES: ReadonlySet<KombuErrorCode> = new Set<KombuErrorCode>([
  'ERR_KOMBU_NOT_FOUND',
  'ERR_KOMBU_PRECONDITION_FAILED',
  'ERR_KOMBU_ACCESS_REFUSED',
  'ERR_KOMBU_RESOURCE_LOCKED',
  'ERR_KOMBU_STALE_DELIVERY',
  'ERR_KOMBU_CLOSED',
]);

/** Whether this is an error of the link or of a channel. */
export function isBrokerError(error: unknown): boolean {
  return isLinkError(error) || (KombuError.is(error) && CHANNEL_CODES.has(error.code));
}

/**
 * Calls `fn` and resolves with what it returns, or with undefined when the link to the broker or a channel failed: for ending
 * things that may be gone already. Every other error is thrown.
 */
export async function ignoreErrors<T>(connection: Connection, fn: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await fn();
  } catch (error) {
    if (!isBrokerError(error)) throw error;
    connection.logger.debug('ignored', error);
    return undefined;
  }
}
