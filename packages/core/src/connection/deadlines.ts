import { InvalidOptionError, KombuError, TimeoutError } from '../errors/index.js';
import { abortError, onAbort, throwIfAborted } from '../util/abort.js';
import { type Clock, MAX_TIMER_MS } from '../util/clock.js';

/** What every operation that waits takes. */
export interface CallOptions {
  /** Ends the call with AbortedError. */
  readonly signal?: AbortSignal | undefined;
  /** The longest the call may take, in milliseconds, everything inside it counted; then TimeoutError. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

/** Checks a `timeoutMs`; undefined and Infinity are no limit. */
export function checkedTimeout(timeoutMs: unknown, what: string): number | undefined {
  if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY) return undefined;
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return Math.min(timeoutMs, MAX_TIMER_MS);
  throw new InvalidOptionError(`${what}: timeoutMs must be a number of milliseconds, at least 0`);
}

/**
 * Runs `fn` under one deadline: it gets a signal that is aborted at the deadline or by the caller, and whether it heeds the
 * signal or not the call ends then, with TimeoutError or AbortedError. What `fn` comes up with after that goes to
 * `compensate`, so that nothing that was acquired is lost. Without options it costs nothing.
 */
export async function withDeadline<T>(
  o: CallOptions | undefined,
  clock: Clock,
  what: string,
  fn: (signal: AbortSignal | undefined) => Promise<T>,
  compensate?: (value: T) => void,
): Promise<T> {
  const timeoutMs = checkedTimeout(o?.timeoutMs, what);
  const outer = o?.signal;
  throwIfAborted(outer, what);
  if (timeoutMs === undefined && outer === undefined) return fn(undefined);

  const controller = new AbortController();
  let ended: KombuError | undefined;
  let stop!: (error: KombuError) => void;
  const stopped = new Promise<never>((_, reject) => {
    stop = (error) => {
      ended = error;
      controller.abort(error);
      reject(error);
    };
  });
  const forget = outer === undefined ? undefined : onAbort(outer, () => stop(abortError(outer, what)));
  const cancelTimer =
    timeoutMs === undefined
      ? undefined
      : clock.after(timeoutMs, () => stop(new TimeoutError(`${what} did not end within ${timeoutMs} ms`)));

  const running = fn(controller.signal);
  running.then(
    (value) => {
      if (ended !== undefined) compensate?.(value);
    },
    () => {},
  );
  try {
    return await Promise.race([running, stopped]);
  } catch (error) {
    throw ended ?? error;
  } finally {
    cancelTimer?.();
    forget?.();
  }
}

/** Waits `ms` milliseconds; AbortedError when `signal` is aborted before. With `unref` it does not keep the process alive. */
export function sleep(
  ms: number,
  clock: Clock,
  what: string,
  o: { readonly signal?: AbortSignal | undefined; readonly unref?: boolean } = {},
): Promise<void> {
  const { signal } = o;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortError(signal, what));
      return;
    }
    const cancel = clock.after(
      Math.min(ms, MAX_TIMER_MS),
      () => {
        forget?.();
        resolve();
      },
      { unref: o.unref === true },
    );
    const forget =
      signal === undefined
        ? undefined
        : onAbort(signal, () => {
            cancel();
            reject(abortError(signal, what));
          });
  });
}

/** Waits for `work`, but no longer than `ms`; whether it was done by then. For what is given up rather than failed. */
export async function within(ms: number, clock: Clock, work: Promise<unknown>): Promise<boolean> {
  let cancel!: () => void;
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(Math.min(ms, MAX_TIMER_MS), () => resolve(false));
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    cancel();
  }
}

/** Whether this is the error of a call that its own deadline or signal ended: trying again is of no use then. */
export function isEndOfCall(error: unknown): boolean {
  return KombuError.is(error, 'ERR_KOMBU_ABORTED') || KombuError.is(error, 'ERR_KOMBU_TIMEOUT');
}
