import type { Clock } from '../util/clock.js';

/** One timer for many reasons: it fires at the earliest time that was asked for. */
export class RestTimer {
  readonly #clock: Clock;
  readonly #fire: () => void;
  readonly #unref: boolean;
  #at = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, fire: () => void, options: { readonly unref?: boolean } = {}) {
    this.#clock = clock;
    this.#fire = fire;
    this.#unref = options.unref === true;
  }

  /** Fires after `ms`, unless it is to fire before that anyway. */
  arm(ms: number): void {
    const at = this.#clock.monotonic() + ms;
    if (this.#at <= at) return;
    this.disarm();
    this.#at = at;
    this.#cancel = this.#clock.after(
      Math.max(0, Math.ceil(ms)),
      () => {
        this.#at = Number.POSITIVE_INFINITY;
        this.#cancel = undefined;
        this.#fire();
      },
      { unref: this.#unref },
    );
  }

  disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
