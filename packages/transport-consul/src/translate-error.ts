import {
  AuthenticationError,
  ChannelError,
  InvalidOptionError,
  KombuError,
  OperationalError,
  UndeliverableError,
} from '@kombu/core';

/** What the client library adds to an error: the answer of the server, or why there was none. */
interface ClientError {
  readonly code?: unknown;
  readonly isTimeout?: boolean;
  readonly response?: { readonly statusCode?: number; readonly body?: unknown };
}

/** What goes wrong on the way to a server. */
const NOT_THERE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'];

/** The status of the answer, and what it says. */
export function answerOf(error: unknown): { readonly status: number; readonly text: string } | undefined {
  const { response } = error as ClientError;
  if (response?.statusCode === undefined) return undefined;
  const { body } = response;
  const text = Buffer.isBuffer(body) ? body.toString() : typeof body === 'string' ? body : '';
  return { status: response.statusCode, text: text.trim().slice(0, 300) };
}

/** What is shown as the cause. An answer of the library holds its request, and that holds the token: it is left out. */
function causeOf(error: unknown): { readonly cause: unknown } {
  const answer = answerOf(error);
  if (answer === undefined) return { cause: error };
  const { message } = error as Error;
  return { cause: Object.assign(new Error(message), { statusCode: answer.status, body: answer.text }) };
}

/** Makes a KombuError of an error of the client library: the only place that knows those. */
export function translateError(
  error: unknown,
  what: string,
): { readonly error: KombuError; readonly endsLink: boolean } {
  if (KombuError.is(error)) return { error, endsLink: error.code === 'ERR_KOMBU_CONNECTION_LOST' };
  const cause = causeOf(error);
  const answer = answerOf(error);
  if (answer === undefined) {
    const why = error instanceof Error ? error.message : String(error);
    return { error: new OperationalError('CONNECTION_LOST', `${what} failed: ${why}`, cause), endsLink: true };
  }
  const text = `${what} failed: Consul answered ${answer.status} ${answer.text}`.trimEnd();
  switch (answer.status) {
    case 401:
    case 403:
      return { error: new ChannelError('ACCESS_REFUSED', text, cause), endsLink: false };
    case 404:
      return { error: new ChannelError('NOT_FOUND', text, cause), endsLink: false };
    case 413:
      return { error: new UndeliverableError('MESSAGE_TOO_LARGE', text, cause), endsLink: false };
    case 429:
      return { error: new OperationalError('BROKER_BUSY', text, cause), endsLink: false };
    default:
      // It will not take that later either.
      if (answer.status < 500) {
        return { error: new ChannelError('PRECONDITION_FAILED', text, cause), endsLink: false };
      }
      // Without a leader, or on the way to another one: nothing can be done with it until that is over.
      return { error: new OperationalError('CONNECTION_LOST', text, cause), endsLink: true };
  }
}

/** Whether the server does not know the token: it is wrong, or the server has just been started and has not read its log yet. */
export function isUnknownToken(error: unknown): boolean {
  const answer = answerOf(error);
  return answer?.status === 403 && /ACL not found/i.test(answer.text);
}

/** The same for errors of opening a link. */
export function translateOpenError(error: unknown, what: string): KombuError {
  if (KombuError.is(error)) return error;
  const cause = causeOf(error);
  const answer = answerOf(error);
  const { error: translated } = translateError(error, what);
  if (translated.code === 'ERR_KOMBU_ACCESS_REFUSED') return new AuthenticationError(translated.message, cause);
  if (answer !== undefined && /Invalid Session TTL/i.test(answer.text)) {
    const hint = "transport option 'leaseMs' (or 'sessionTtlMs') asks for a session that the server does not grant";
    return new InvalidOptionError(`${hint}: ${answer.text}`, cause);
  }
  if (answer !== undefined) return new OperationalError('CONNECT_REFUSED', translated.message, cause);
  const { code, isTimeout } = error as ClientError;
  if (isTimeout || code === 'ETIMEDOUT') return new OperationalError('CONNECT_TIMEOUT', translated.message, cause);
  if (NOT_THERE.includes(String(code))) return new OperationalError('CONNECT_REFUSED', translated.message, cause);
  return translated;
}
