import { setTimeout as delay } from 'node:timers/promises';

/** @type {typeof import('./types.d.ts').until} */
export async function until(condition, { what, timeoutMs = 10_000, everyMs = 20 }) {
  const deadline = performance.now() + timeoutMs;
  /** @type {unknown} */
  let cause;
  for (;;) {
    try {
      const value = await condition();
      if (value) return /** @type {any} */ (value);
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const because = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`not within ${timeoutMs} ms: ${what}${because}`, { cause });
    }
    await delay(everyMs);
  }
}
