import { AbortedError, type KombuError, OperationalError, TimeoutError } from '../errors/index.js';
import type { Clock } from '../util/clock.js';
import type { Channel } from './channel.js';
import { isEndOfCall, sleep, withDeadline } from './deadlines.js';
import type { LinkKeeper } from './reconnect.js';
import {
  asKombuError,
  CONNECT_INTERVALS,
  ENSURE_INTERVALS,
  isLinkError,
  isNamedError,
  type ResolvedRetryPolicy,
  type RetryPolicy,
  resolveRetryPolicy,
  retryInterval,
} from './retry.js';

/** What a function that is tried again gets for each try. */
export interface EnsureContext {
  /** The channel to use in this try. Never keep it for the next one. */
  readonly channel: Channel;
  /** 0 for the first try. */
  readonly attempt: number;
  /** Aborted when the tries are to end. */
  readonly signal: AbortSignal | undefined;
}

/** What trying again needs of a connection. */
export interface EnsureHost {
  readonly clock: Clock;
  readonly keeper: LinkKeeper;
}

/** Tries until there is a link. Ends in the last error, or in OperationalError when a deadline ends it. */
export async function ensureLink(host: EnsureHost, policy: RetryPolicy | undefined): Promise<void> {
  const resolved = resolveRetryPolicy(policy, CONNECT_INTERVALS, 'ensureConnection');
  await underPolicy(host, resolved, 'ensureConnection', (signal, failed) =>
    connect(host, resolved, resolved.maxRetries, signal, failed),
  );
}

/**
 * Calls `fn` with the current channel until it succeeds.
 *
 * @param current gives the channel to use now.
 */
export async function ensureCall<T>(
  host: EnsureHost,
  current: () => Channel,
  fn: (o: EnsureContext) => T | Promise<T>,
  policy: RetryPolicy | undefined,
  what: string,
): Promise<T> {
  const resolved = resolveRetryPolicy(policy, ENSURE_INTERVALS, what);
  const maxRetries = resolved.maxRetries ?? Number.POSITIVE_INFINITY;
  return underPolicy(host, resolved, what, async (signal, failed) => {
    let tries = 0;
    let generation = 0;
    for (let attempt = 0; ; attempt++) {
      try {
        if (host.keeper.session === undefined) {
          // As many tries for the link as there are left for the whole; at least one.
          const left = Number.isFinite(maxRetries) ? Math.max(maxRetries - tries, attempt === 0 ? 0 : 1) : undefined;
          await connect(host, resolved, left, signal, failed);
        }
        const channel = current();
        await channel.open({ signal });
        if (generation > 0 && channel.generation > generation) resolved.onRevive?.(channel);
        generation = channel.generation;
        return await fn({ channel, attempt, signal });
      } catch (thrown) {
        if (signal?.aborted) throw thrown;
        const again = isLinkError(thrown) || isNamedError(thrown, resolved);
        if (!again || thrown instanceof GivenUp) throw thrown;
        const error = asKombuError(thrown, what);
        failed(error);
        if (tries++ >= maxRetries) throw giveUp(what, error);
        const lost = host.keeper.session === undefined;
        const interval = lost ? 0 : retryInterval(tries - 1, resolved);
        resolved.onError?.(error, interval);
        if (!lost) await sleep(interval, host.clock, what, { signal });
      }
    }
  });
}

/** Like {@link ensureCall}, on a channel that is made for it and returned with the result. */
export async function ensureOnOwnChannel<T>(
  host: EnsureHost,
  make: () => Channel,
  fn: (o: EnsureContext) => T | Promise<T>,
  policy: RetryPolicy | undefined,
): Promise<[T, Channel]> {
  let channel = make();
  const current = () => {
    if (channel.state === 'closed') channel = make();
    return channel;
  };
  try {
    return [await ensureCall(host, current, fn, policy, 'autoretry'), channel];
  } catch (error) {
    await channel.close();
    throw error;
  }
}

/** Passes over the failover list until one brings a link. While the connection reconnects by itself, its passes count. */
async function connect(
  host: EnsureHost,
  policy: ResolvedRetryPolicy,
  maxRetries: number | undefined,
  signal: AbortSignal | undefined,
  failed: (error: KombuError) => void,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await host.keeper.acquire({ signal, eachPass: true });
      return;
    } catch (thrown) {
      if (signal?.aborted || !isLinkError(thrown)) throw thrown;
      failed(thrown);
      if (attempt >= (maxRetries ?? Number.POSITIVE_INFINITY)) throw giveUp('connecting', thrown);
      const interval = host.keeper.state === 'reconnecting' ? 0 : retryInterval(attempt, policy);
      policy.onError?.(thrown, interval);
      if (interval > 0) await sleep(interval, host.clock, 'connecting', { signal });
    }
  }
}

/** Runs `work` under the deadline and the signal of a policy. */
async function underPolicy<T>(
  host: EnsureHost,
  policy: ResolvedRetryPolicy,
  what: string,
  work: (signal: AbortSignal | undefined, failed: (error: KombuError) => void) => Promise<T>,
): Promise<T> {
  let last: KombuError | undefined;
  try {
    return await withDeadline(policy, host.clock, what, (signal) =>
      work(signal, (error) => {
        last = error;
      }),
    );
  } catch (error) {
    if (!isEndOfCall(error) || AbortedError.is(error, 'ERR_KOMBU_ABORTED')) throw error;
    if (last !== undefined) throw giveUp(`${what} did not succeed within ${policy.timeoutMs} ms`, last);
    if (host.keeper.session !== undefined) throw error;
    const message = `${what}: no link to the broker within ${policy.timeoutMs} ms`;
    throw new OperationalError('CONNECT_TIMEOUT', message, {
      cause: error instanceof TimeoutError ? error : undefined,
    });
  }
}

class GivenUp extends OperationalError {
  override readonly name = 'OperationalError';
}

function giveUp(what: string, last: KombuError): OperationalError {
  return new GivenUp('CONNECTION_LOST', `${what}: ${last.message}`, { cause: last });
}
