import { setTimeout as delay } from 'node:timers/promises';

/** What the SDK tells a retry strategy of a failure. */
interface Failure {
  readonly errorType: 'TRANSIENT' | 'THROTTLING' | 'SERVER_ERROR' | 'CLIENT_ERROR';
  readonly error?: unknown;
}

/** The SDK's count of tries. */
interface Token {
  getRetryCount(): number;
  getRetryDelay(): number;
}

/** How often a call is made at most. */
export const TRIES = 4;
const FIRST_MS = 50;
const LONGEST_MS = 2000;

const token = (count: number, ms: number): Token => ({ getRetryCount: () => count, getRetryDelay: () => ms });

/** Up to twice as long each time, at random, so that many processes do not move in step. */
export function backoffMs(count: number): number {
  return Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** count);
}

export function pause(count: number): Promise<void> {
  return delay(backoffMs(count), undefined, { ref: true });
}

/** With a server error. */
function hasAnswered(error: unknown): boolean {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
  return status !== undefined && status >= 500;
}

/** A kept connection that the server closed just when it was used again: nothing has been read. */
function wasClosed(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/**
 * Tries again what the service itself has refused to take now (throttling, 5xx), and once what went into a connection that was
 * closed. A service that cannot be reached is left to the Connection, which reconnects.
 */
export const retryStrategy = {
  mode: 'kombu',
  acquireInitialRetryToken: async (): Promise<Token> => token(0, 0),
  async refreshRetryTokenForRetry(last: Token, { errorType, error }: Failure): Promise<Token> {
    const count = last.getRetryCount() + 1;
    if ((errorType === 'THROTTLING' || hasAnswered(error)) && count < TRIES) return token(count, backoffMs(count));
    if (errorType === 'TRANSIENT' && count === 1 && wasClosed(error)) return token(count, 0);
    throw new Error('not tried again');
  },
  recordSuccess(): void {},
};
