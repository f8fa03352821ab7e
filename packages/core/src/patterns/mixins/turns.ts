import { type CallOptions, withDeadline } from '../../connection/deadlines.js';
import { KombuError } from '../../errors/index.js';
import type { Clock } from '../../util/clock.js';
import { type Deferred, deferred } from '../../util/deferred.js';

/** What a loop over deliveries waits for: one at a time, or its end. */
export class Turns {
  readonly #clock: Clock;
  #count = 0;
  #error: unknown;
  #waiting: Deferred<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A message is handed to a handler. */
  delivered(): void {
    this.#count++;
    this.wake();
  }

  /** The loop cannot go on. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.wake();
  }

  /** Has the loop look around. */
  wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Waits for the next delivery, or until it is woken, for `timeoutMs` at most; whether there was one. */
  async next({ timeoutMs, signal }: CallOptions, what: string): Promise<boolean> {
    if (!this.#ready()) {
      const waiting = deferred();
      this.#waiting = waiting;
      try {
        await withDeadline({ timeoutMs, signal }, this.#clock, what, () => waiting.promise);
      } catch (error) {
        if (!KombuError.is(error, 'ERR_KOMBU_TIMEOUT')) throw error;
      }
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#count === 0) return false;
    this.#count--;
    return true;
  }

  #ready(): boolean {
    return this.#count > 0 || this.#error !== undefined;
  }
}
