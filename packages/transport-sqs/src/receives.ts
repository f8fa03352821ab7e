import { ClosedError, type KombuError } from '@kombu/core';

/** How long closing waits for what a receive may be bringing just now. */
const GRACE_MS = 500;

/** Somebody who waits for a receive. */
interface Waiting {
  /** The receive waits at the service: for nothing, once the link is closing. */
  readonly patient: boolean;
  /** Goes without what it brings: with nothing, or with an error. */
  leave(error?: KombuError): void;
}

/**
 * The receives of a link that are in flight. None is ever aborted: the service would hide what it was about to bring. Closing waits for
 * a moment, then leaves them behind: they end by themselves, and what they still bring is made visible at once.
 */
export class Receives {
  #state: 'open' | 'closing' = 'open';
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #waiting = new Set<Waiting>();
  readonly #signals = new WeakSet<AbortSignal>();
  #timer: NodeJS.Timeout | undefined;

  get isIdle(): boolean {
    return this.#inFlight.size === 0;
  }

  /** To be called before each request: a link that is closing receives nothing new, and tries nothing again. */
  check(): void {
    if (this.#state === 'closing') throw new ClosedError('the connection is closed');
  }

  /**
   * Receives.
   *
   * @param late takes what came when nobody waited for it any more; never rejects
   * @param closing for a receive that waits at the service: aborted when the link is closing
   */
  take<T>(
    work: () => Promise<readonly T[]>,
    late: (got: readonly T[]) => Promise<void>,
    closing?: AbortSignal,
  ): Promise<readonly T[]> {
    if (closing !== undefined) this.#listen(closing);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        patient: closing !== undefined,
        leave(error) {
          if (error === undefined) resolve([]);
          else reject(error);
        },
      };
      this.#waiting.add(waiting);
      const flight = work().then(
        (got) => {
          if (this.#landed(waiting)) resolve(got);
          else if (got.length > 0) return late(got);
        },
        (error: unknown) => {
          if (this.#landed(waiting)) reject(error as Error);
        },
      );
      this.hold(flight);
    });
  }

  /** Counts something as in flight until it has ended, whichever way. */
  hold(work: Promise<unknown>): void {
    const held: Promise<unknown> = work.catch(() => {}).then(() => this.#inFlight.delete(held));
    this.#inFlight.add(held);
  }

  /** The link has ended: nobody waits any more. */
  end(error: KombuError): void {
    this.#state = 'closing';
    this.#leave(() => true, error);
  }

  /** Resolves when none is in flight, and what came late is visible again. */
  async landed(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  /** Whether somebody still waits for it. */
  #landed(waiting: Waiting): boolean {
    const awaited = this.#waiting.delete(waiting);
    if (this.#waiting.size === 0) clearTimeout(this.#timer);
    return awaited;
  }

  #leave(whom: (waiting: Waiting) => boolean, error?: KombuError): void {
    for (const waiting of this.#waiting) {
      if (!whom(waiting)) continue;
      this.#landed(waiting);
      waiting.leave(error);
    }
  }

  #listen(closing: AbortSignal): void {
    if (this.#signals.has(closing)) return;
    this.#signals.add(closing);
    const soon = (): void => {
      this.#state = 'closing';
      if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#leave(({ patient }) => patient), GRACE_MS);
    };
    if (closing.aborted) soon();
    else closing.addEventListener('abort', soon, { once: true });
  }
}
