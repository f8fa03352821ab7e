import { KombuError, type KombuErrorOptions } from './kombu-error.js';

/** A message cannot be settled: it was settled before (`ALREADY_SETTLED`) or its lease is someone else's (`LEASE_LOST`). */
export class MessageStateError extends KombuError {
  constructor(name: 'ALREADY_SETTLED' | 'LEASE_LOST', message: string, options: KombuErrorOptions = {}) {
    super(name, message, options);
  }
}

/** A message cannot be settled: the link it came from is gone and the broker has taken it back (`STALE_DELIVERY`). */
export class StaleDeliveryError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('STALE_DELIVERY', message, options);
  }
}

/** A message cannot be published: no queue takes it (`NO_ROUTE`) or it is larger than the broker allows (`MESSAGE_TOO_LARGE`). */
export class UndeliverableError extends KombuError {
  constructor(name: 'NO_ROUTE' | 'MESSAGE_TOO_LARGE', message: string, options: KombuErrorOptions = {}) {
    super(name, message, options);
  }
}
