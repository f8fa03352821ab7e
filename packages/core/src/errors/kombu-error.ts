const BRAND = Symbol.for('@kombu/core/error');

/** Every error code of the library, without its `ERR_KOMBU_` prefix. */
export type KombuErrorName =
  | 'CONNECT_REFUSED'
  | 'CONNECT_TIMEOUT'
  | 'CONNECTION_LOST'
  | 'BROKER_BUSY'
  | 'AUTH_FAILED'
  | 'NOT_FOUND'
  | 'PRECONDITION_FAILED'
  | 'ACCESS_REFUSED'
  | 'RESOURCE_LOCKED'
  | 'ALREADY_SETTLED'
  | 'STALE_DELIVERY'
  | 'LEASE_LOST'
  | 'NO_ROUTE'
  | 'MESSAGE_TOO_LARGE'
  | 'NACKED'
  | 'NOT_PUBLISHED'
  | 'ENCODE'
  | 'DECODE'
  | 'CONTENT_DISALLOWED'
  | 'NO_SERIALIZER'
  | 'CONNECTION_LIMIT'
  | 'CHANNEL_LIMIT'
  | 'BUFFER_FULL'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'NOT_SUPPORTED'
  | 'CLOSED'
  | 'INVALID_OPTION'
  | 'NOT_BOUND'
  | 'EMPTY'
  | 'INCONSISTENT'
  | 'REMOTE';

/** A stable, machine-readable error code, such as `ERR_KOMBU_NOT_FOUND`. */
export type KombuErrorCode = `ERR_KOMBU_${KombuErrorName}`;

/** What a {@link KombuError} is made with besides its message. */
export interface KombuErrorOptions {
  /** The error underneath, never changed by this library. */
  readonly cause?: unknown;
  /** Overrides whether trying the same call again can help. */
  readonly retryable?: boolean;
}

/**
 * The base of every error that this library throws or rejects with.
 *
 * `code` says what happened, `retryable` whether the same call may succeed later, `cause` what lies underneath. Compare
 * with {@link KombuError.is}, which also recognises errors of another copy of this package in the same process.
 */
export class KombuError extends Error {
  /** What happened; stable across releases. */
  readonly code: KombuErrorCode;
  /** Whether the same call may succeed when it is made again. */
  readonly retryable: boolean;

  constructor(name: KombuErrorName, message: string, options: KombuErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = `ERR_KOMBU_${name}`;
    this.retryable = options.retryable ?? false;
    markAsKombuError(this);
  }

  /**
   * Whether `error` is of the class that this is called on, also one of another copy of this package: `KombuError.is(error)`
   * for any, `ChannelError.is(error)` for a ChannelError. With `code`, whether it has that code, too.
   */
  static is<E extends KombuError>(
    this: abstract new (
      ...args: never[]
    ) => E,
    error: unknown,
    code?: KombuErrorCode,
  ): error is E {
    if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
    if (code !== undefined && (error as unknown as KombuError).code !== code) return false;
    return error instanceof this || this === (KombuError as unknown) || isNamed(error, this.name);
  }
}

/** Makes {@link KombuError.is} recognise an error whose class has another base. */
export function markAsKombuError(error: Error): void {
  Object.defineProperty(error, BRAND, { value: true });
}

/** Whether a class of this name, of another copy of this package, is among those of `error`. */
function isNamed(error: object, name: string): boolean {
  for (let at = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    if (at.constructor?.name === name) return true;
  }
  return false;
}
