/** Where time comes from, so that tests can turn it. */
export interface Clock {
  /** Wall-clock milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that only ever grow; the scale of every deadline. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; the returned function takes that back. With `unref` it does not keep the process alive. */
  after(ms: number, fn: () => void, options?: { unref?: boolean }): () => void;
}

/** The longest time that a timer of Node can wait; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Waits longer than a timer of Node can, in several steps. */
function afterLong(ms: number, fn: () => void, options: { unref?: boolean } | undefined): () => void {
  let cancel = (): void => {};
  const step = (left: number): void => {
    const rest = left - MAX_TIMER_MS;
    cancel = systemClock.after(Math.min(left, MAX_TIMER_MS), () => (rest > 0 ? step(rest) : fn()), options);
  };
  step(ms);
  return () => cancel();
}

/** The process's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, fn, options) {
    if (ms > MAX_TIMER_MS) return afterLong(ms, fn, options);
    const timer = setTimeout(fn, ms);
    if (options?.unref) timer.unref();
    return () => clearTimeout(timer);
  },
};
