export { ChannelError } from './channel-errors.js';
export { ContentDisallowed, DecodeError, EncodeError, SerializerNotInstalled } from './codec-errors.js';
export { AuthenticationError, OperationalError } from './connection-errors.js';
export type { KombuErrorCode, KombuErrorName, KombuErrorOptions } from './kombu-error.js';
export { KombuError } from './kombu-error.js';
export { MessageStateError, StaleDeliveryError, UndeliverableError } from './message-errors.js';
export type { RemoteErrorInfo } from './remote-error.js';
export { RemoteError } from './remote-error.js';
export type { TimeoutErrorOptions } from './usage-errors.js';
export {
  AbortedError,
  BufferFullError,
  ChannelLimitExceeded,
  ClosedError,
  ConnectionLimitExceeded,
  InconsistencyError,
  InvalidOptionError,
  LimitExceeded,
  NotBoundError,
  NotSupportedError,
  SimpleQueueEmpty,
  TimeoutError,
} from './usage-errors.js';
