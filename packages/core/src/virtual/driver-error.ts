import { KombuError, OperationalError } from '../errors/index.js';

/** A driver's own typed error as it is, anything else as an error of the broker. */
export function asKombuError(cause: unknown, what: string): KombuError {
  return KombuError.is(cause) ? cause : new OperationalError('BROKER_BUSY', what, { cause });
}

/** Whether an error says that the link is gone: what was asked for can be asked for again over the next one. */
export function isLinkLoss(error: unknown): boolean {
  return KombuError.is(error, 'ERR_KOMBU_CONNECTION_LOST') || KombuError.is(error, 'ERR_KOMBU_CLOSED');
}
