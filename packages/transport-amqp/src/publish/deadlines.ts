import type { Clock } from '@kombu/core';

/** The longest that a timer of Node can wait. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** One timer for any number of deadlines: it is set for the earliest, and asks for the next when it has gone off. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #expire: (now: number) => number;
  #at = Number.POSITIVE_INFINITY;
  #stop: (() => void) | undefined;

  /** `expire` ends everything whose deadline is at or before `now`, and returns the earliest deadline that is left, or Infinity. */
  constructor(clock: Clock, expire: (now: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** There is something that has to end at `deadline`, on the scale of `clock.monotonic()`. */
  add(deadline: number): void {
    if (deadline >= this.#at) return;
    this.#at = deadline;
    this.#stop?.();
    const left = Math.max(0, Math.ceil(deadline - this.#clock.monotonic()));
    this.#stop = this.#clock.after(Math.min(left, MAX_TIMER_MS), () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#stop = undefined;
      const next = this.#expire(this.#clock.monotonic());
      if (next < Number.POSITIVE_INFINITY) this.add(next);
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
