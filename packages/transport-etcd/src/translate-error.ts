import { AuthenticationError, ChannelError, KombuError, OperationalError, UndeliverableError } from '@kombu/core';

/** What an error says of the link that it came over. */
export interface Translated {
  readonly error: KombuError;
  /** The link is of no more use: another host, or the same one later, may be. */
  readonly endsLink: boolean;
}

/** Words of the server, and of gRPC below it, with what they mean. The first that fits counts. */
const MEANINGS: readonly (readonly [RegExp, (text: string, cause: Error) => Translated])[] = [
  [
    /authentication failed|user name is empty|user name not found|authentication is not enabled/,
    (text, cause) => ({ error: new AuthenticationError(text, { cause }), endsLink: true }),
  ],
  [
    /permission denied/,
    (text, cause) => ({ error: new ChannelError('ACCESS_REFUSED', text, { cause }), endsLink: false }),
  ],
  [
    /request is too large|larger than max|trying to send message larger/,
    (text, cause) => ({ error: new UndeliverableError('MESSAGE_TOO_LARGE', text, { cause }), endsLink: false }),
  ],
  // A token that has run out, or rules that were changed: the next link logs in anew. The session is gone: so are its claims.
  [
    /invalid auth token|revision of auth store is old|requested lease not found/,
    (text, cause) => ({ error: new OperationalError('CONNECTION_LOST', text, { cause }), endsLink: true }),
  ],
  // The database is full, or the cluster has no leader just now.
  [
    /database space exceeded|no leader|leader changed|request timed out|too many requests|no space|corrupt cluster/,
    (text, cause) => ({ error: new OperationalError('BROKER_BUSY', text, { cause }), endsLink: false }),
  ],
  [
    /CERT|certificate|UNABLE_TO_VERIFY|ERR_TLS_|altnames|wrong version number|SSL routines/i,
    (text, cause) => ({
      error: new OperationalError('CONNECT_REFUSED', text, { cause, retryable: false }),
      endsLink: true,
    }),
  ],
  [
    /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|No connection established|Name resolution failed/,
    (text, cause) => ({ error: new OperationalError('CONNECT_REFUSED', text, { cause }), endsLink: true }),
  ],
  [
    /DEADLINE_EXCEEDED|Deadline exceeded/i,
    (text, cause) => ({ error: new OperationalError('CONNECT_TIMEOUT', text, { cause }), endsLink: true }),
  ],
  [
    /UNAVAILABLE|CANCELLED|INTERNAL|ECONNRESET|EPIPE|client was already closed|transport|GOAWAY/i,
    (text, cause) => ({ error: new OperationalError('CONNECTION_LOST', text, { cause }), endsLink: true }),
  ],
];

/** Whether the server says that it has not even tried to do what was asked for, and will not. */
export function isRefusal(error: unknown): boolean {
  if (!KombuError.is(error)) return false;
  if (error.code !== 'ERR_KOMBU_BROKER_BUSY') return !error.retryable;
  return /space exceeded|too many requests|too many operations/.test(error.message);
}

/** gRPC ends its messages with when it looked the name up and what it noted, which is nothing to read. */
function withoutNotes(message: string): string {
  return message.replace(/\.?\s*Resolution note:.*$/s, '').replace(/\s*\([^()]*\d{4}[T-][^()]*\)\s*$/, '');
}

/** Makes a KombuError of an error of etcd3, the only place that knows those. The original is its `cause`, its message alone. */
export function translateError(error: unknown, what: string): Translated {
  if (KombuError.is(error)) return { error, endsLink: error.code === 'ERR_KOMBU_CONNECTION_LOST' };
  const message = withoutNotes(String((error as { message?: unknown } | null)?.message ?? error));
  const cause = new Error(message);
  const text = `${what} failed: ${message}`;
  const meaning = MEANINGS.find(([pattern]) => pattern.test(message))?.[1];
  if (meaning !== undefined) return meaning(text, cause);
  return { error: new OperationalError('BROKER_BUSY', text, { cause, retryable: false }), endsLink: false };
}
