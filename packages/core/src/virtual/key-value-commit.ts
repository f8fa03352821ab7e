import { OperationalError } from '../errors/index.js';
import type { Op } from '../transport/channel.js';
import { throwIfAborted } from '../util/abort.js';
import type { Clock } from '../util/clock.js';
import type { KeyValueStep, KeyValueStore } from './key-value-store.js';

/** How long a change is tried when others change the same keys. */
const LONGEST_MS = 10_000;
/** The longest pause between two tries. */
const LONGEST_PAUSE_MS = 100;

/** A change, made of what was just read. Steps that only check are not worth a commit. */
export interface Plan<T> {
  readonly steps: readonly KeyValueStep[];
  readonly result: T;
}

/**
 * Reads, plans and commits until nobody came between, for ten seconds at most.
 *
 * @throws OperationalError BROKER_BUSY when others keep changing the same keys
 */
export async function commitRetrying<T>(
  store: KeyValueStore,
  clock: Clock,
  what: string,
  plan: () => Promise<Plan<T>>,
  o?: Op,
): Promise<T> {
  const until = clock.monotonic() + LONGEST_MS;
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(o?.signal, what);
    const { steps, result } = await plan();
    if (steps.every(({ kind }) => kind === 'check') || (await store.commit(steps, o))) return result;
    if (clock.monotonic() >= until) {
      throw new OperationalError('BROKER_BUSY', `${what} failed: others keep changing the same keys`);
    }
    // The first to come after somebody else need not wait; many who come at once move apart.
    const pause = Math.random() * Math.min(LONGEST_PAUSE_MS, 2 ** Math.min(attempt, 10));
    await new Promise<void>((resolve) => clock.after(pause, resolve));
  }
}
