import type { KombuError } from '../errors/index.js';
import type { Clock } from '../util/clock.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { type CallOptions, withDeadline } from './deadlines.js';
import type { KeepAlive } from './keep-alive.js';

/** Lets code of the old kind wait for deliveries one look at a time. */
export class DrainCounter {
  #fresh = false;
  readonly #waiting = new Set<Deferred<void>>();

  /** A delivery was handed over. */
  delivered(): void {
    this.#fresh = true;
    if (this.#waiting.size === 0) return;
    for (const waiting of this.#waiting) waiting.resolve();
    this.#waiting.clear();
    this.#fresh = false;
  }

  /** A consumer starts: what was delivered before does not count. */
  consuming(): void {
    this.#fresh = false;
  }

  /** Resolves when a delivery was handed over since the last time. */
  async drain(o: CallOptions, clock: Clock, keepAlive: KeepAlive): Promise<void> {
    if (this.#fresh) {
      this.#fresh = false;
      return;
    }
    const delivery = deferred();
    this.#waiting.add(delivery);
    keepAlive.acquire();
    try {
      await withDeadline(o, clock, 'drainEvents', () => delivery.promise);
    } finally {
      keepAlive.release();
      this.#waiting.delete(delivery);
    }
  }

  /** Nothing comes any more, because of `why`. */
  end(why: KombuError): void {
    for (const waiting of this.#waiting) waiting.reject(why);
    this.#waiting.clear();
  }
}
