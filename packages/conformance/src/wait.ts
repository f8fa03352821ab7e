import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for `promise`, but not longer than `ms`; `what` says what was waited for. */
export async function within<T>(promise: PromiseLike<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until `condition` returns something other than undefined, null or false, and returns that. It is asked again after 2
 * to 50 ms. At the deadline it fails, with `what` and what the condition last said.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  ms: number,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + ms;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    const value = await within(Promise.resolve(condition()), Math.max(1, deadline - performance.now()), what);
    if (value !== undefined && value !== null && value !== false) {
      return value as Exclude<T, undefined | null | false>;
    }
    if (performance.now() >= deadline) throw new Error(`${what}: not within ${ms} ms (last: ${String(value)})`);
    await sleep(pause);
  }
}

/** Lets `ms` pass, where passing time is what is tested (a lease, an expiry); never to let something else happen. */
export async function pass(ms: number): Promise<void> {
  await sleep(ms);
}
