import { KombuError, type KombuErrorName, type KombuErrorOptions } from './kombu-error.js';

/** A limit of this process was reached; the same call may succeed once something was released. */
export class LimitExceeded extends KombuError {
  constructor(name: KombuErrorName, message: string, options: KombuErrorOptions = {}) {
    super(name, message, { retryable: true, ...options });
  }
}

/** Every connection of a pool is in use (`CONNECTION_LIMIT`). */
export class ConnectionLimitExceeded extends LimitExceeded {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('CONNECTION_LIMIT', message, options);
  }
}

/** Every channel of a pool is in use (`CHANNEL_LIMIT`). */
export class ChannelLimitExceeded extends LimitExceeded {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('CHANNEL_LIMIT', message, options);
  }
}

/** Too many publishes are in flight at once (`BUFFER_FULL`): await some of them first. */
export class BufferFullError extends LimitExceeded {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('BUFFER_FULL', message, options);
  }
}

/** What a {@link TimeoutError} is made with besides its message. */
export interface TimeoutErrorOptions extends KombuErrorOptions {
  /** For a publish: whether the message may have reached the broker. */
  readonly sent?: 'no' | 'maybe';
}

/** A call did not end by its deadline (`TIMEOUT`). */
export class TimeoutError extends KombuError {
  /** For a publish: whether the message may have reached the broker. */
  readonly sent: 'no' | 'maybe' | undefined;

  constructor(message: string, options: TimeoutErrorOptions = {}) {
    super('TIMEOUT', message, { retryable: true, ...options });
    this.sent = options.sent;
  }
}

/** A call was ended by its AbortSignal (`ABORTED`); `cause` is the signal's reason. */
export class AbortedError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('ABORTED', message, options);
  }
}

/** This broker, or this server, cannot do that (`NOT_SUPPORTED`). */
export class NotSupportedError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('NOT_SUPPORTED', message, options);
  }
}

/** The connection, channel, producer, consumer or pool was closed by this process (`CLOSED`). */
export class ClosedError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('CLOSED', message, options);
  }
}

/** An option, a URL or a URL parameter is unknown or has a value that is not allowed (`INVALID_OPTION`). */
export class InvalidOptionError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('INVALID_OPTION', message, options);
  }
}

/** An entity that is not bound to a channel was asked to talk to the broker (`NOT_BOUND`). */
export class NotBoundError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('NOT_BOUND', message, options);
  }
}

/** A simple queue had no message in time (`EMPTY`). */
export class SimpleQueueEmpty extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('EMPTY', message, { retryable: true, ...options });
  }
}

/** What is stored on the broker contradicts itself, or a name is already taken by another process (`INCONSISTENT`). */
export class InconsistencyError extends KombuError {
  constructor(message: string, options: KombuErrorOptions = {}) {
    super('INCONSISTENT', message, options);
  }
}
