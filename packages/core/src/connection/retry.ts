import { InvalidOptionError, KombuError, type KombuErrorCode, OperationalError } from '../errors/index.js';
import { checkedSignal } from '../util/abort.js';
import { checkOptionNames, flag, milliseconds, optionalFunction, wholeNumber } from '../util/check-options.js';
import { type Clock, systemClock } from '../util/clock.js';
import type { Channel } from './channel.js';
import { isEndOfCall, sleep, withDeadline } from './deadlines.js';

/**
 * How often and how long something is tried again. Every member has a default, which depends on the call.
 *
 * The wait before try number n grows with n. With `jitter` (the default) it is a random time up to
 * `min(intervalMaxMs, intervalStartMs + intervalStepMs * (2^n - 1))`, so that many clients that lost the same broker do not
 * come back together. Without, it is exactly Kombu's: start, start + step, and so on while it is at most
 * `intervalMaxMs + intervalStartMs`, then the last value again and again.
 */
export interface RetryPolicy {
  /** How often at most it is tried again after the first time. Undefined: until `timeoutMs` or `signal`; 0: one try. */
  readonly maxRetries?: number | undefined;
  /** The first wait, in milliseconds. */
  readonly intervalStartMs?: number | undefined;
  /** What the wait grows by, in milliseconds. */
  readonly intervalStepMs?: number | undefined;
  /** What the wait grows up to, in milliseconds. */
  readonly intervalMaxMs?: number | undefined;
  /** Whether waits are random (default true). */
  readonly jitter?: boolean | undefined;
  /** The longest all tries may take together, in milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Called for each failure that is followed by another try, with the wait before it. */
  readonly onError?: ((error: KombuError, intervalMs: number) => void) | undefined;
  /** Called with the channel to use, each time the link was replaced. */
  readonly onRevive?: ((channel: Channel) => void) | undefined;
  /** Ends the tries with AbortedError. */
  readonly signal?: AbortSignal | undefined;
  /** Further errors that are worth another try: their codes, or a function that tells. */
  readonly retryErrors?: readonly KombuErrorCode[] | ((error: unknown) => boolean) | undefined;
}

/** A policy with its numbers checked and filled in. */
export interface ResolvedRetryPolicy extends RetryPolicy {
  readonly maxRetries: number | undefined;
  readonly intervalStartMs: number;
  readonly intervalStepMs: number;
  readonly intervalMaxMs: number;
  readonly jitter: boolean;
}

/** The three intervals of a policy. */
export interface RetryIntervals {
  readonly intervalStartMs: number;
  readonly intervalStepMs: number;
  readonly intervalMaxMs: number;
}

/** Kombu's intervals for connecting: 2, 4, 6 ... 30 seconds. */
export const CONNECT_INTERVALS: RetryIntervals = { intervalStartMs: 2000, intervalStepMs: 2000, intervalMaxMs: 30_000 };
/** Kombu's intervals for an operation: one second. */
export const ENSURE_INTERVALS: RetryIntervals = { intervalStartMs: 1000, intervalStepMs: 1000, intervalMaxMs: 1000 };
/** The intervals of reconnecting by itself: quick at first, then up to 10 seconds, well below the 30 that a publish waits. */
export const RECONNECT_INTERVALS: RetryIntervals = { intervalStartMs: 100, intervalStepMs: 200, intervalMaxMs: 10_000 };

const NAMES: ReadonlySet<string> = new Set([
  'maxRetries',
  'intervalStartMs',
  'intervalStepMs',
  'intervalMaxMs',
  'jitter',
  'timeoutMs',
  'onError',
  'onRevive',
  'signal',
  'retryErrors',
]);

/** Checks a policy and fills in its intervals; InvalidOptionError names what is wrong. */
export function resolveRetryPolicy(
  policy: RetryPolicy | undefined,
  defaults: RetryIntervals,
  owner = 'RetryPolicy',
): ResolvedRetryPolicy {
  const given = policy ?? {};
  if (typeof given !== 'object') throw new InvalidOptionError(`${owner} must be an object`);
  checkOptionNames(owner, given, NAMES);
  const { retryErrors } = given;
  if (retryErrors !== undefined && typeof retryErrors !== 'function' && !Array.isArray(retryErrors)) {
    throw new InvalidOptionError(`${owner}: 'retryErrors' must be an array of error codes or a function`);
  }
  return {
    ...given,
    maxRetries: wholeNumber(owner, 'maxRetries', given.maxRetries, 0),
    intervalStartMs: milliseconds(owner, 'intervalStartMs', given.intervalStartMs) ?? defaults.intervalStartMs,
    intervalStepMs: milliseconds(owner, 'intervalStepMs', given.intervalStepMs) ?? defaults.intervalStepMs,
    intervalMaxMs: milliseconds(owner, 'intervalMaxMs', given.intervalMaxMs) ?? defaults.intervalMaxMs,
    jitter: flag(owner, 'jitter', given.jitter, true),
    timeoutMs: milliseconds(owner, 'timeoutMs', given.timeoutMs),
    onError: optionalFunction(owner, 'onError', given.onError),
    onRevive: optionalFunction(owner, 'onRevive', given.onRevive),
    signal: checkedSignal(given.signal, owner),
  };
}

/** The wait before try `n + 1` (n from 0) without jitter: Kombu's generator, in milliseconds. */
export function plainInterval(n: number, { intervalStartMs, intervalStepMs, intervalMaxMs }: RetryIntervals): number {
  if (intervalStepMs === 0) return intervalStartMs;
  return intervalStartMs + intervalStepMs * Math.min(n, Math.floor(intervalMaxMs / intervalStepMs));
}

/** The longest wait before try `n + 1` with jitter. */
export function jitterCeiling(n: number, { intervalStartMs, intervalStepMs, intervalMaxMs }: RetryIntervals): number {
  return Math.min(intervalMaxMs, intervalStartMs + intervalStepMs * (2 ** Math.min(n, 40) - 1));
}

/** The wait before try `n + 1`, in milliseconds. */
export function retryInterval(n: number, policy: ResolvedRetryPolicy, random: () => number = Math.random): number {
  return policy.jitter ? random() * jitterCeiling(n, policy) : plainInterval(n, policy);
}

/** Whether an error is one of the link or of a broker that is busy: what every retry tries again. */
export function isLinkError(error: unknown): error is OperationalError {
  if (!KombuError.is(error)) return false;
  return LINK_CODES.has(error.code) && error.retryable;
}

const LINK_CODES: ReadonlySet<KombuErrorCode> = new Set<KombuErrorCode>([
  'ERR_KOMBU_CONNECT_REFUSED',
  'ERR_KOMBU_CONNECT_TIMEOUT',
  'ERR_KOMBU_CONNECTION_LOST',
  'ERR_KOMBU_BROKER_BUSY',
  'ERR_KOMBU_NACKED',
]);

/** Whether `policy` names this error in `retryErrors`. */
export function isNamedError(error: unknown, policy: RetryPolicy): boolean {
  const named = policy.retryErrors;
  if (typeof named === 'function') return named(error);
  return named !== undefined && KombuError.is(error) && named.includes(error.code);
}

/** A KombuError as it is; anything else as the `cause` of an OperationalError. */
export function asKombuError(error: unknown, what: string): KombuError {
  if (KombuError.is(error)) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new OperationalError('CONNECTION_LOST', `${what}: ${detail}`, { cause: error });
}

/**
 * Calls `fn` until it succeeds: again after every retryable error (see `KombuError.retryable`) and those that
 * `policy.retryErrors` names, with Kombu's waits of 2, 4 ... 30 seconds unless the policy has others. At most
 * `maxRetries + 1` calls; the last error is thrown as it is.
 *
 * @throws TimeoutError at `policy.timeoutMs`, when there was no error yet; else the last error.
 */
export async function retryOverTime<T>(
  fn: (o: { readonly attempt: number; readonly signal: AbortSignal | undefined }) => T | Promise<T>,
  policy?: RetryPolicy,
  clock: Clock = systemClock,
): Promise<T> {
  const resolved = resolveRetryPolicy(policy, CONNECT_INTERVALS, 'retryOverTime');
  let last: unknown;
  try {
    return await withDeadline(resolved, clock, 'retryOverTime', async (signal) => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await fn({ attempt, signal });
        } catch (error) {
          if (signal?.aborted) throw error;
          last = error;
          const retryable = (KombuError.is(error) && error.retryable) || isNamedError(error, resolved);
          if (!retryable || attempt >= (resolved.maxRetries ?? Number.POSITIVE_INFINITY)) throw error;
          const interval = retryInterval(attempt, resolved);
          resolved.onError?.(asKombuError(error, 'retryOverTime'), interval);
          await sleep(interval, clock, 'retryOverTime', { signal });
        }
      }
    });
  } catch (error) {
    if (KombuError.is(error, 'ERR_KOMBU_TIMEOUT') && isEndOfCall(error) && last !== undefined) throw last;
    throw error;
  }
}
