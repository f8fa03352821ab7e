import { KombuError, type KombuErrorOptions } from './kombu-error.js';

/** A body cannot be serialized or compressed (`ENCODE`). */
export class EncodeError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('ENCODE', message, options);
  }
}

/** A body cannot be decompressed or deserialized (`DECODE`). */
export class DecodeError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('DECODE', message, options);
  }
}

/** A body is of a content type that this consumer does not accept; not one byte of it was decoded (`CONTENT_DISALLOWED`). */
export class ContentDisallowed extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('CONTENT_DISALLOWED', message, options);
  }
}

/** There is no serializer or compression of that name, or the package it needs is not installed (`NO_SERIALIZER`). */
export class SerializerNotInstalled extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('NO_SERIALIZER', message, options);
  }
}
