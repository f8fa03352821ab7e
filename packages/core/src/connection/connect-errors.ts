import { AuthenticationError, ClosedError, InvalidOptionError, KombuError, OperationalError } from '../errors/index.js';

/** What calls end with once the connection is closed. */
export function closedError(): ClosedError {
  return new ClosedError('the connection is closed');
}

/** What a pass over the failover list ends with: the only error, or the most telling one. */
export function passError(errors: readonly KombuError[]): KombuError {
  const [first] = errors;
  if (first === undefined) return new AuthenticationError('every broker of the list has refused this client');
  if (errors.length === 1) return first;
  const telling = errors.findLast((error) => error.retryable) ?? (errors.at(-1) as KombuError);
  const message = `none of ${errors.length} brokers could be connected to: ${errors.map((e) => e.message).join('; ')}`;
  if (!telling.retryable) return telling;
  return new OperationalError('CONNECT_REFUSED', message, { cause: telling });
}

/** What connecting to one broker ends with: the transport's own error, or anything else wrapped, without the password. */
export function connectError(
  error: unknown,
  o: { readonly shown: string; readonly password: string | undefined; readonly connectTimeoutMs: number },
): KombuError {
  if (KombuError.is(error, 'ERR_KOMBU_TIMEOUT')) {
    const message = `no connection to ${o.shown} within ${o.connectTimeoutMs} ms`;
    return new OperationalError('CONNECT_TIMEOUT', message, { cause: error });
  }
  if (KombuError.is(error)) return error;
  let detail = error instanceof Error ? error.message : String(error);
  if (o.password) detail = detail.replaceAll(o.password, '**');
  return new OperationalError('CONNECT_REFUSED', `no connection to ${o.shown}: ${detail}`, { cause: error });
}

/** An error of reaching a broker, with what was assumed about it. */
export function assuming(error: unknown, assumed: string | undefined): unknown {
  if (assumed === undefined || !KombuError.is(error)) return error;
  const message = `${error.message} (${assumed})`;
  if (KombuError.is(error, 'ERR_KOMBU_INVALID_OPTION')) return new InvalidOptionError(message, { cause: error });
  if (KombuError.is(error, 'ERR_KOMBU_CONNECT_REFUSED'))
    return new OperationalError('CONNECT_REFUSED', message, { cause: error });
  return error;
}
