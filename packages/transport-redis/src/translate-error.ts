import { AuthenticationError, ChannelError, KombuError, NotSupportedError, OperationalError } from '@kombu/core';

/** What an error says of the link that it came over. */
export interface Translated {
  readonly error: KombuError;
  /** The link is of no more use: another address, or the same one later, may be. */
  readonly endsLink: boolean;
}

/** The server is not, or no more, the one to write to: connect anew, which asks for the master again. */
const WRONG_SERVER = new Set(['READONLY', 'MASTERDOWN', 'UNBLOCKED', 'MOVED', 'ASK', 'CLUSTERDOWN', 'NOREPLICAS']);
/** The server cannot serve just now. */
const BUSY = new Set(['OOM', 'BUSY', 'MISCONF', 'TRYAGAIN']);
/** The server's certificate is not one to trust: trying again does not help. */
const CERTIFICATE = /CERT|UNABLE_TO_VERIFY|^ERR_TLS_/;
/** What NOPERM is called inside of a script. */
const IN_SCRIPT = /The user executing the script can't (run|access)/;
/** What ioredis says of bytes that no Redis sends. */
const NOT_REDIS = /^(Unknown RESP type|Protocol error)/;
const AUTH = new Set(['NOAUTH', 'WRONGPASS']);

/** The word in front of an error reply, such as `READONLY`; scripts put it behind their own words in older servers. */
function replyCode(message: string): string {
  const first = /^-?([A-Z]+)\b/.exec(message)?.[1];
  if (first !== undefined && first !== 'ERR') return first;
  return (
    /(?:^|[\s:-])-?(READONLY|MASTERDOWN|MOVED|CLUSTERDOWN|NOREPLICAS|OOM|MISCONF|WRONGTYPE|NOPERM)\b/.exec(
      message,
    )?.[1] ?? 'ERR'
  );
}

/** What is of interest in whatever was thrown, also by code of another realm. */
function parts(error: unknown): { readonly message: string; readonly name: string; readonly code: unknown } {
  if (typeof error !== 'object' || error === null) return { message: String(error), name: 'Error', code: undefined };
  const { message, name, code } = error as { message?: unknown; name?: unknown; code?: unknown };
  return { message: String(message ?? 'no reason given'), name: String(name ?? 'Error'), code };
}

/**
 * Makes a KombuError of an error of ioredis, the only place that knows those. The original is its `cause`, without the arguments
 * of the command, which may hold a password or a message.
 */
export function translateError(error: unknown, what: string): Translated {
  if (KombuError.is(error)) return { error, endsLink: false };
  const { message, name, code } = parts(error);
  const cause = new Error(message);
  cause.name = name;
  const text = `${what} failed: ${message}`;
  if (name !== 'ReplyError') {
    const connecting = code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH';
    if (connecting) return { error: new OperationalError('CONNECT_REFUSED', text, { cause }), endsLink: true };
    if (typeof code === 'string' && CERTIFICATE.test(code)) {
      return { error: new OperationalError('CONNECT_REFUSED', text, { cause, retryable: false }), endsLink: true };
    }
    if (NOT_REDIS.test(message)) {
      const reason = `${what} failed: what answers at this address is not a Redis server`;
      return { error: new OperationalError('CONNECT_REFUSED', reason, { cause }), endsLink: true };
    }
    if (code === 'ETIMEDOUT')
      return { error: new OperationalError('CONNECT_TIMEOUT', text, { cause }), endsLink: true };
    return { error: new OperationalError('CONNECTION_LOST', text, { cause }), endsLink: true };
  }
  const reply = replyCode(message);
  if (WRONG_SERVER.has(reply))
    return { error: new OperationalError('CONNECTION_LOST', text, { cause }), endsLink: true };
  if (reply === 'LOADING') return { error: new OperationalError('BROKER_BUSY', text, { cause }), endsLink: true };
  if (BUSY.has(reply)) return { error: new OperationalError('BROKER_BUSY', text, { cause }), endsLink: false };
  if (AUTH.has(reply)) return { error: new AuthenticationError(text, { cause }), endsLink: true };
  if (reply === 'NOPERM' || IN_SCRIPT.test(message))
    return { error: new ChannelError('ACCESS_REFUSED', text, { cause }), endsLink: false };
  if (reply === 'WRONGTYPE')
    return { error: new ChannelError('PRECONDITION_FAILED', text, { cause }), endsLink: false };
  if (/^ERR (invalid password|invalid username-password|AUTH|Client sent AUTH)/i.test(message)) {
    return { error: new AuthenticationError(text, { cause }), endsLink: true };
  }
  if (/^ERR (unknown (sub)?command|DB index|SELECT is not allowed)/i.test(message)) {
    return { error: new NotSupportedError(text, { cause }), endsLink: false };
  }
  if (/max number of clients/i.test(message)) {
    return { error: new OperationalError('BROKER_BUSY', text, { cause }), endsLink: true };
  }
  return { error: new OperationalError('BROKER_BUSY', text, { cause, retryable: false }), endsLink: false };
}
