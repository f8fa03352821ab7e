import type { Clock } from '../../src/index.js';

/** A clock that is turned by hand. */
export class ManualClock implements Clock {
  #time = 1_700_000_000_000;
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#time + ms, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How long until the next timer, in milliseconds; of those that are at most `below` away. */
  next(below = Number.POSITIVE_INFINITY): number | undefined {
    const waits = [...this.#timers].map(({ at }) => at - this.#time).filter((wait) => wait <= below);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** Lets time go by, timer by timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#time = Math.max(this.#time, due.at);
      due.fn();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#time = end;
  }
}
