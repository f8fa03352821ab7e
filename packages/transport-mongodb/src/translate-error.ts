import { isNativeError } from 'node:util/types';
import {
  AuthenticationError,
  ChannelError,
  KombuError,
  NotSupportedError,
  OperationalError,
  UndeliverableError,
} from '@kombu/core';

/** What an error says of the link that it came over. */
export interface Translated {
  readonly error: KombuError;
  /** The link is of no more use: another server, or the same one later, may be. */
  readonly endsLink: boolean;
}

/** AuthenticationFailed, and errors of the login mechanisms. */
const AUTH = new Set([11, 18, 334]);
const FORBIDDEN = new Set([13]);
/** What Atlas answers to whatever it does not allow, logging in included. */
const ATLAS = 8000;
/** NotWritablePrimary, PrimarySteppedDown, ShutdownInProgress and the like: the server is not the one to write to any more. */
const WRONG_SERVER = new Set([91, 189, 10_107, 11_600, 11_602, 13_435, 13_436]);
/** CommandNotFound, CommandNotSupported, NotImplemented (FerretDB), IllegalOperation. */
const UNSUPPORTED = new Set([20, 59, 115, 238, 40_324]);
const TOO_LARGE = new Set([10_334, 17_280, 17_419, 17_420]);
/** "object to insert exceeds cappedMaxSize", which has no code of its own. */
const CAPPED = /exceeds cappedMaxSize/;
/**
 * What the server does not do however often it is asked: BadValue, FailedToParse, TypeMismatch, InvalidOptions, InvalidNamespace,
 * documents and names that it does not store, indexes and collections that are there in another way.
 */
const REFUSED = new Set([2, 9, 14, 28, 48, 52, 53, 54, 55, 56, 57, 58, 61, 66, 67, 72, 73, 85, 86, 121, 166]);
/** Errors of the driver that say that its client is of no more use. Others, such as of a cursor that was closed, are of one call. */
const LINK = new Set([
  'MongoTopologyClosedError',
  'MongoNotConnectedError',
  'MongoClientClosedError',
  'MongoPoolClearedError',
  'MongoPoolClearedOnNetworkError',
  'MongoPoolClosedError',
]);
const CERTIFICATE = /certificate|self.signed|unable to verify|ERR_TLS_|SSL routines/i;

/** What is of interest in whatever was thrown, also by code of another realm. */
function parts(error: unknown): { message: string; name: string; code: unknown; cause: unknown } {
  if (typeof error !== 'object' || error === null) {
    return { message: String(error), name: 'Error', code: undefined, cause: undefined };
  }
  const { message, name, code, cause } = error as {
    message?: unknown;
    name?: unknown;
    code?: unknown;
    cause?: unknown;
  };
  return { message: String(message ?? 'no reason given'), name: String(name ?? 'Error'), code, cause };
}

/** The messages of an error and of what caused it. */
function wholeText(error: unknown): string {
  const texts: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null && texts.length < 5; at = parts(at).cause) {
    texts.push(parts(at).message);
  }
  return texts.join(': ');
}

/** Why no server could be had: what the driver says of the last that it has tried. */
function lastReason(error: unknown): string {
  const { reason } = error as { reason?: { servers?: ReadonlyMap<string, { error?: unknown }> } };
  const last = [...(reason?.servers?.values() ?? [])].findLast((server) => server.error)?.error;
  const { message } = parts(error);
  const why = last === undefined ? '' : parts(last).message;
  return why === '' || message.includes(why) ? '' : `: ${why}`;
}

/** What the driver has wrapped: whatever ends an insert of several documents, a lost link too, is an error of its own kind. */
function wrapped(error: unknown): Error | undefined {
  if (parts(error).name !== 'MongoBulkWriteError') return undefined;
  const { errorResponse } = error as { readonly errorResponse?: unknown };
  return isNativeError(errorResponse) ? errorResponse : undefined;
}

/** Whether a unique key is there already. */
export function isDuplicate(error: unknown): boolean {
  return parts(error).code === 11_000;
}

/** A text without the credentials of URLs in it. */
export function blank(text: string): string {
  return text.replace(/(mongodb(?:\+srv)?:\/\/)[^@/\s]*@/g, '$1**@');
}

/**
 * Makes a KombuError of an error of the driver, the only place that knows those. The original is its `cause`, without documents
 * and commands, which may hold a password or a message.
 */
export function translateError(thrown: unknown, what: string): Translated {
  if (KombuError.is(thrown)) return { error: thrown, endsLink: false };
  const inside = wrapped(thrown);
  if (inside !== undefined) return translateError(inside, what);
  const { message, name, code } = parts(thrown);
  const cause = new Error(blank(message));
  cause.name = name;
  const why = name === 'MongoServerSelectionError' ? lastReason(thrown) : '';
  const text = `${what} failed: ${blank(message + why)}`;
  const ended = (kind: 'CONNECT_REFUSED' | 'CONNECT_TIMEOUT' | 'CONNECTION_LOST', retryable = true): Translated => ({
    error: new OperationalError(kind, text, retryable ? { cause } : { cause, retryable }),
    endsLink: true,
  });
  const number = typeof code === 'number' ? code : undefined;
  if (number !== undefined && (AUTH.has(number) || (number === ATLAS && /\bauth/i.test(message))))
    return { error: new AuthenticationError(text, { cause }), endsLink: true };
  if (name === 'MongoServerSelectionError' || name === 'MongoNetworkError' || name === 'MongoNetworkTimeoutError') {
    const all = wholeText(thrown);
    if (CERTIFICATE.test(all)) return ended('CONNECT_REFUSED', false);
    if (/ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN/.test(all)) return ended('CONNECT_REFUSED');
    return ended(name === 'MongoServerSelectionError' ? 'CONNECT_TIMEOUT' : 'CONNECTION_LOST');
  }
  if (number === undefined && /authentication/i.test(message)) {
    return { error: new AuthenticationError(text, { cause }), endsLink: true };
  }
  if (LINK.has(name) || /^E[A-Z]+$/.test(String(code))) return ended('CONNECTION_LOST');
  if (number === undefined) return { error: new OperationalError('BROKER_BUSY', text, { cause }), endsLink: false };
  if (WRONG_SERVER.has(number)) return ended('CONNECTION_LOST');
  if (FORBIDDEN.has(number) || number === ATLAS)
    return { error: new ChannelError('ACCESS_REFUSED', text, { cause }), endsLink: false };
  if (UNSUPPORTED.has(number)) return { error: new NotSupportedError(text, { cause }), endsLink: false };
  if (TOO_LARGE.has(number) || CAPPED.test(message)) {
    return { error: new UndeliverableError('MESSAGE_TOO_LARGE', text, { cause }), endsLink: false };
  }
  if (REFUSED.has(number)) return { error: new ChannelError('PRECONDITION_FAILED', text, { cause }), endsLink: false };
  return { error: new OperationalError('BROKER_BUSY', text, { cause }), endsLink: false };
}
