import { KombuError, type KombuErrorOptions } from './kombu-error.js';

/**
 * The broker refused an operation: `NOT_FOUND` (404), `PRECONDITION_FAILED` (406), `ACCESS_REFUSED` (403),
 * `RESOURCE_LOCKED` (405). It ends that operation and nothing else.
 */
export class ChannelError extends KombuError {
  constructor(
    name: 'NOT_FOUND' | 'PRECONDITION_FAILED' | 'ACCESS_REFUSED' | 'RESOURCE_LOCKED',
    message: string,
    options: KombuErrorOptions = {},
  ) {
    super(name, message, options);
  }
}
