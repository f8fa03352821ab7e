import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../src/util/clock.js';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
  readonly ms: number;
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 1_000;
  readonly #timers = new Set<Timer>();
  /** Every wait that was asked for, in order. */
  readonly asked: number[] = [];

  now(): number {
    return 1_700_000_000_000 + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + ms, fn, ms };
    this.#timers.add(timer);
    this.asked.push(ms);
    return () => this.#timers.delete(timer);
  }

  /** Timers that are running. */
  get running(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass, with everything that happens meanwhile, and what follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}
