import {
  AuthenticationError,
  ChannelError,
  ChannelLimitExceeded,
  ClosedError,
  InvalidOptionError,
  KombuError,
  NotSupportedError,
  OperationalError,
  UndeliverableError,
} from '@kombu/core';
import type { Refusal } from './driver/refusal.js';

/** What amqplib and Node put on their errors. */
interface Raw {
  readonly message: string;
  readonly code: string | number | undefined;
}

function raw(error: unknown): Raw {
  if (typeof error !== 'object' || error === null) return { message: String(error), code: undefined };
  const { message, code, errors } = error as { message?: unknown; code?: unknown; errors?: unknown };
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const text =
    typeof message === 'string' && message !== '' ? message : first instanceof Error ? first.message : String(error);
  return { message: text, code: typeof code === 'string' || typeof code === 'number' ? code : undefined };
}

/** The broker's own words out of amqplib's sentence around them. */
function words(message: string): string {
  const quoted = /with message "([\s\S]*)"$/.exec(message);
  return quoted?.[1] ?? message;
}

/** The reply code that amqplib put into its sentence: `... 403 (ACCESS-REFUSED) with message ...`. */
function replyCode({ message, code }: Raw): number | undefined {
  if (typeof code === 'number') return code;
  const found = /(\d{3}) \([A-Z_-]+\) with message/.exec(message);
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

const CHANNEL_CODES = {
  403: 'ACCESS_REFUSED',
  404: 'NOT_FOUND',
  405: 'RESOURCE_LOCKED',
  406: 'PRECONDITION_FAILED',
} as const;

/** Whether a virtual host was refused, for a reason that amqplib does not give. */
export function isHostRefused(error: unknown): boolean {
  return /got <ConnectionClose/.test(raw(error).message);
}

/** Errors of a TLS handshake that no second try mends. */
const CERTIFICATE = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|HOSTNAME_MISMATCH)/;

/**
 * Why connecting failed. Refused credentials are AuthenticationError; everything else is an OperationalError that says
 * whether to try again helps. Never names a password: neither does what it is made from.
 */
export function connectError(error: unknown, where: string, virtualHost: string, refusal?: Refusal): KombuError {
  if (KombuError.is(error)) return error;
  const it = raw(error);
  const code = replyCode(it);
  if (code === 403 || /SASL mechanism \S+ is not provided/.test(it.message)) {
    return new AuthenticationError(`${where} refused the credentials: ${words(it.message)}`, { cause: error });
  }
  if (isHostRefused(error)) {
    const why = refusal?.text ?? 'it does not exist, this user may not use it, or it is down or full';
    const message = `${where} refused virtual host "${virtualHost}": ${why}`;
    // A host that is full or down is another matter; one that is not there, or not for this user, stays so.
    const final = refusal?.code === 530 && !/limit|down/.test(why);
    if (final) return new AuthenticationError(message, { cause: error });
    return new OperationalError('CONNECT_REFUSED', message, { cause: error });
  }
  if (it.code === 'ETIMEDOUT' || /ETIMEDOUT/.test(it.message)) {
    return new OperationalError('CONNECT_TIMEOUT', `${where} did not answer in time`, { cause: error });
  }
  const final = typeof it.code === 'string' && CERTIFICATE.test(it.code);
  return new OperationalError('CONNECT_REFUSED', `cannot connect to ${where}: ${words(it.message)}`, {
    cause: error,
    retryable: !final,
  });
}

/** Why an established connection ended; undefined error: the broker just hung up. */
export function linkError(error: unknown): KombuError {
  if (KombuError.is(error) && !(error.name === 'DecodeError')) return error;
  if (error === undefined || error === null)
    return new OperationalError('CONNECTION_LOST', 'the broker closed the connection');
  const it = raw(error);
  return new OperationalError('CONNECTION_LOST', `the connection to the broker is lost: ${words(it.message)}`, {
    cause: error,
  });
}

/**
 * Why an operation on a channel failed. `link` is why the connection is gone, if it is. RabbitMQ ends the connection on some
 * refusals (of what a stream cannot do, for example), and says in them what they are about: the operation on that `subject`
 * is told so, every other one that the connection was lost.
 */
export function channelError(error: unknown, link?: unknown, subject?: string): KombuError {
  if (KombuError.is(error)) return error;
  if (link !== undefined) {
    const blamed = isRefusalByLink(link) && subject !== undefined && raw(link).message.includes(`'${subject}'`);
    return blamed ? refused(link) : linkError(link);
  }
  const it = raw(error);
  const name = CHANNEL_CODES[replyCode(it) as keyof typeof CHANNEL_CODES];
  if (name !== undefined) return new ChannelError(name, words(it.message), { cause: error });
  if (isRefusalByLink(error)) return refused(error);
  if (/No channels left/.test(it.message)) {
    return new ChannelLimitExceeded('every channel of this connection is in use', { cause: error });
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return new InvalidOptionError(it.message, { cause: error });
  }
  if (/by client|Channel (closed|closing)/.test(it.message)) {
    return new ClosedError('the channel is closed', { cause: error });
  }
  return new OperationalError('CONNECTION_LOST', words(it.message), { cause: error });
}

/** A refusal that ended its connection: of what the broker cannot do (503, 540), or does not allow (530). */
function refused(error: unknown): KombuError {
  const it = raw(error);
  if (replyCode(it) === 530) return new ChannelError('ACCESS_REFUSED', words(it.message), { cause: error });
  return new NotSupportedError(words(it.message), { cause: error });
}

/** Whether the broker closed the connection because of one operation, so that the same operation would close the next one too. */
function isRefusalByLink(error: unknown): boolean {
  const code = replyCode(raw(error));
  return code === 503 || code === 530 || code === 540;
}

/** Why the channel of publishes ended, as the publish that caused it is told. */
export function publishError(error: unknown): KombuError {
  const it = raw(error);
  if (/message size \d+ is larger/.test(it.message)) {
    return new UndeliverableError('MESSAGE_TOO_LARGE', words(it.message), { cause: error });
  }
  return channelError(error);
}

/** Why a consumer's channel ended, as its owner is told. */
export function consumerError(error: unknown): KombuError {
  return channelError(error ?? new Error('the broker closed the channel of this consumer'));
}
