import { abortError, throwIfAborted } from '../../util/abort.js';
import { type Deferred, deferred } from '../../util/deferred.js';

/** So many places; who finds none free waits, first come, first served. */
export class Slots {
  #limit: number;
  #used = 0;
  readonly #waiting = new Set<Deferred<void>>();

  /** @param limit how many; Infinity: as many as are asked for. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many there are. */
  get limit(): number {
    return this.#limit;
  }

  /** How many are taken. */
  get used(): number {
    return this.#used;
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes one if one is free and nobody waits for it. */
  tryTake(): boolean {
    if (this.#used >= this.#limit || this.#waiting.size > 0) return false;
    this.#used++;
    return true;
  }

  /** Takes one, waiting for it if need be. Who is aborted has taken none. */
  async take(signal: AbortSignal | undefined, what: string): Promise<void> {
    throwIfAborted(signal, what);
    if (this.tryTake()) return;
    const turn = deferred();
    this.#waiting.add(turn);
    const onAbort = (): void => {
      // Not there any more: its turn has come already, and whoever called has to use it or free it.
      if (this.#waiting.delete(turn)) turn.reject(abortError(signal as AbortSignal, what));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await turn.promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Frees one. */
  free(): void {
    this.#used--;
    this.#serve();
  }

  /** Changes how many there are. Those that are taken stay so. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#serve();
  }

  #serve(): void {
    for (const turn of this.#waiting) {
      if (this.#used >= this.#limit) return;
      this.#waiting.delete(turn);
      this.#used++;
      turn.resolve();
    }
  }

  /** Ends the wait of everybody. */
  refuse(why: Error): void {
    for (const turn of this.#waiting) turn.reject(why);
    this.#waiting.clear();
  }
}
