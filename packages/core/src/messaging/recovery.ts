import type { Clock } from '../util/clock.js';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 30_000;
/** A queue that was consumed from for so long was well: the waits begin anew. */
const WELL_AFTER_MS = 60_000;

/** A queue that is to be consumed from again. */
interface Lost {
  failures: number;
  /** When the last wait ended. */
  since: number;
  cancel: () => void;
}

/** Queues that others deleted under a consumer: each is restarted after a wait, which grows while that goes on. */
export class Recovery {
  readonly #clock: Clock;
  readonly #lost = new Map<string, Lost>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many queues wait for it. */
  get size(): number {
    let waiting = 0;
    for (const { since } of this.#lost.values()) if (since === Number.POSITIVE_INFINITY) waiting++;
    return waiting;
  }

  /** Whether a queue is looked after: from its loss on, until it is forgotten. */
  has(queue: string): boolean {
    return this.#lost.has(queue);
  }

  /** A queue is gone: `restart`, which must not reject, is called after a wait. */
  lost(queue: string, restart: () => Promise<void>): void {
    const before = this.#lost.get(queue);
    before?.cancel();
    const well = before === undefined || this.#clock.monotonic() - before.since > WELL_AFTER_MS;
    const failures = well ? 0 : before.failures;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 20));
    const entry: Lost = { failures: failures + 1, since: Number.POSITIVE_INFINITY, cancel: () => {} };
    entry.cancel = this.#clock.after(wait, () => {
      entry.since = this.#clock.monotonic();
      void restart();
    });
    this.#lost.set(queue, entry);
  }

  /** Leaves a queue, or all of them, alone. */
  forget(queue?: string): void {
    for (const [name, { cancel }] of this.#lost) {
      if (queue !== undefined && name !== queue) continue;
      cancel();
      this.#lost.delete(name);
    }
  }
}
