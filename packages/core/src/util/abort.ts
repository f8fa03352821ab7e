import { setMaxListeners } from 'node:events';
import { AbortedError, InvalidOptionError } from '../errors/index.js';

/** The error that a call ends with when `signal` is aborted. */
export function abortError(signal: AbortSignal, what: string): AbortedError {
  return new AbortedError(`${what} was aborted`, { cause: signal.reason });
}

/** What was given as a `signal`. @throws InvalidOptionError when it is none: an AbortController, for example */
export function checkedSignal(signal: AbortSignal | undefined, what: string): AbortSignal | undefined {
  if (signal === undefined || (typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function'))
    return signal;
  throw new InvalidOptionError(`${what}: 'signal' must be an AbortSignal`);
}

/** Throws when `signal` is aborted already. @throws InvalidOptionError when it is no signal */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (checkedSignal(signal, what)?.aborted) throw abortError(signal as AbortSignal, what);
}

/**
 * Calls `listener` once when `signal` is aborted; the returned function takes that back. Any number of calls may share a
 * signal: Node's warning of more than ten listeners is turned off for it.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  checkedSignal(signal, 'onAbort');
  setMaxListeners(Number.POSITIVE_INFINITY, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/**
 * Waits for `promise`, or rejects with AbortedError as soon as `signal` is aborted. When the promise is fulfilled after
 * that, `compensate` gets its value, so that what was acquired can be given back.
 */
export async function waitOrAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
  compensate?: (value: T) => void,
): Promise<T> {
  if (signal === undefined) return promise;
  let stop: (() => void) | undefined;
  let aborted = false;
  const abort = new Promise<never>((_, reject) => {
    const end = () => {
      aborted = true;
      reject(abortError(signal, what));
    };
    if (signal.aborted) end();
    else stop = onAbort(signal, end);
  });
  promise.then(
    (value) => {
      if (aborted) compensate?.(value);
    },
    () => {},
  );
  try {
    return await Promise.race([promise, abort]);
  } finally {
    stop?.();
  }
}
