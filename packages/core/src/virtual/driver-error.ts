import { KombuError, OperationalError } from '../errors/index.js';

/** A driver's own typed error as it is, anything else as an error of the broker. */
export function asKombuError(cause: unknown, what: string): KombuError {
  return KombuError.is(cause) ? cause : new OperationalError('BROKER_BUSY', what, { cause });
}
