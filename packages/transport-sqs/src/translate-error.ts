import {
  AuthenticationError,
  ChannelError,
  EncodeError,
  KombuError,
  MessageStateError,
  OperationalError,
  UndeliverableError,
} from '@kombu/core';

const AUTHENTICATION = new Set([
  'AuthFailure',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSecurity',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'NotAuthorized',
  'OptInRequired',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const REFUSED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'KmsAccessDenied',
  'KMSAccessDenied',
  'AuthorizationErrorException',
]);
const NOT_FOUND = new Set(['NonExistentQueue', 'QueueDoesNotExist', 'NotFound', 'NotFoundException']);
const LEASE = new Set(['MessageNotInflight', 'ReceiptHandleIsInvalid']);
const BUSY = new Set([
  'InternalError',
  'InternalFailure',
  'KmsThrottled',
  'OverLimit',
  'PurgeQueueInProgress',
  'QueueDeletedRecently',
  'RequestThrottled',
  'ServiceUnavailable',
  'Throttled',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/** What the SDK's errors have. */
interface AwsError {
  readonly name?: string;
  readonly code?: unknown;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The service's own code, without its namespace: `AWS.SimpleQueueService.NonExistentQueue` is `NonExistentQueue`. */
function codeOf(error: AwsError): string {
  return (error.name ?? '').split(/[.#]/).at(-1) ?? '';
}

/** Whether the queue is not there. */
export function isMissing(error: unknown): boolean {
  return KombuError.is(error, 'ERR_KOMBU_NOT_FOUND') || NOT_FOUND.has(codeOf(error as AwsError));
}

/** How the SDK writes what its HTTP handler has thrown and it does not know as an Error, as in another realm. */
const WRAPPED = 'AWS SDK error wrapper for ';

/** The service was not reached, or did not answer: codes of the operating system and of TLS. */
function isNetwork({ name, code, message, $metadata }: AwsError): boolean {
  if ($metadata?.httpStatusCode !== undefined) return false;
  return name === 'TimeoutError' || typeof code === 'string' || message?.startsWith(WRAPPED) === true;
}

/** Makes a KombuError of an error of the SDK: the only place that knows those. */
export function translateError(error: unknown, what: string): KombuError {
  if (KombuError.is(error)) return error;
  const aws = error as AwsError;
  const code = codeOf(aws);
  // OpenSSL writes lines.
  const text = `${what} failed: ${aws.message || code || String(error)}`.replace(/\s*\n\s*/g, ' ').trim();
  const cause = { cause: error };
  if (AUTHENTICATION.has(code)) return new AuthenticationError(text, cause);
  if (REFUSED.has(code)) return new ChannelError('ACCESS_REFUSED', text, cause);
  if (NOT_FOUND.has(code)) return new ChannelError('NOT_FOUND', text, cause);
  if (LEASE.has(code)) return new MessageStateError('LEASE_LOST', text, cause);
  if (code === 'InvalidMessageContents') return new EncodeError(text, cause);
  if (code === 'BatchRequestTooLong' || /must be shorter than/.test(text)) {
    return new UndeliverableError('MESSAGE_TOO_LARGE', text, cause);
  }
  if (isNetwork(aws)) return new OperationalError('CONNECTION_LOST', text, cause);
  // Without a status: an answer that could not be read.
  const status = aws.$metadata?.httpStatusCode ?? 500;
  if (BUSY.has(code) || status >= 500 || status === 429) return new OperationalError('BROKER_BUSY', text, cause);
  return new ChannelError('PRECONDITION_FAILED', text, cause);
}

/** The same for what goes wrong before the service was reached for the first time. */
export function translateOpenError(error: unknown, what: string): KombuError {
  const translated = translateError(error, what);
  if (!KombuError.is(translated, 'ERR_KOMBU_CONNECTION_LOST')) return translated;
  // The SDK has that name for connections which were reset, too.
  const { name, code } = error as AwsError;
  const late = code === 'ETIMEDOUT' || (name === 'TimeoutError' && code !== 'ECONNRESET' && code !== 'EPIPE');
  return new OperationalError(late ? 'CONNECT_TIMEOUT' : 'CONNECT_REFUSED', translated.message, { cause: error });
}

/** What one entry of a batch failed with. */
export interface EntryError {
  readonly Code?: string | undefined;
  readonly Message?: string | undefined;
  readonly SenderFault?: boolean | undefined;
}

/** The error of one entry of a batch. What is not the sender's fault may go well another time. */
export function translateEntry({ Code, Message, SenderFault }: EntryError, what: string): KombuError {
  const httpStatusCode = SenderFault === false ? 500 : 400;
  const error = Object.assign(new Error(Message ?? Code ?? 'no reason given'), { $metadata: { httpStatusCode } });
  error.name = Code ?? 'Error';
  return translateError(error, what);
}

/** The error of a batch entry that names a reservation: where it is our fault, the reservation is not ours any more. */
export function translateReceiptEntry(entry: EntryError, what: string): KombuError {
  const error = translateEntry(entry, what);
  const { message, cause, retryable, code } = error;
  if (retryable || code === 'ERR_KOMBU_ACCESS_REFUSED') return error;
  return new MessageStateError('LEASE_LOST', message, { cause });
}
