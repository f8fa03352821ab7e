/** Where time comes from, so that tests can turn it. */
export interface Clock {
  /** Wall-clock milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that only ever grow; the scale of every deadline. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; the returned function takes that back. With `unref` it does not keep the process alive. */
  after(ms: number, fn: () => void, options?: { unref?: boolean }): () => void;
}

/** The process's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, fn, options) {
    const timer = setTimeout(fn, ms);
    if (options?.unref) timer.unref();
    return () => clearTimeout(timer);
  },
};
