import { KombuError, type KombuErrorOptions } from './kombu-error.js';

/**
 * The link to the broker failed: `CONNECT_REFUSED`, `CONNECT_TIMEOUT`, `CONNECTION_LOST`, or the broker is not able to
 * serve right now: `BROKER_BUSY`, `NACKED`. Always retryable.
 */
export class OperationalError extends KombuError {
  constructor(
    name: 'CONNECT_REFUSED' | 'CONNECT_TIMEOUT' | 'CONNECTION_LOST' | 'BROKER_BUSY' | 'NACKED',
    message: string,
    options: KombuErrorOptions = {},
  ) {
    super(name, message, { retryable: true, ...options });
  }
}

/** The broker refused the credentials (`AUTH_FAILED`). Never retried. */
export class AuthenticationError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('AUTH_FAILED', message, options);
  }
}
