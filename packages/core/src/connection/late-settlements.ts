import type { KombuError } from '../errors/index.js';
import type { MaybePromise, Channel as TransportChannel } from '../transport/channel.js';
import type { Delivery, Outcome } from '../transport/delivery.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { asKombuError } from './retry.js';

/** How a delivery is settled, besides its outcome. */
export interface SettleOptions {
  readonly multiple?: boolean;
  readonly confirm?: boolean;
}

interface Pending {
  readonly delivery: Delivery;
  readonly outcome: Outcome | 'release';
  readonly o: SettleOptions | undefined;
  /** Only with `confirm`. */
  readonly confirmed: Deferred<void> | undefined;
}

/**
 * Settlements that were made while there was no link, on transports where a delivery outlives its link. They are taken at once
 * and carried out on the next link; what fails then is told like every late failure.
 */
export class LateSettlements {
  readonly #failed: (delivery: Delivery, error: KombuError) => void;
  #pending: Pending[] = [];

  constructor(failed: (delivery: Delivery, error: KombuError) => void) {
    this.#failed = failed;
  }

  add(delivery: Delivery, outcome: Outcome | 'release', o: SettleOptions | undefined): MaybePromise<void> {
    const confirmed = o?.confirm === true ? deferred() : undefined;
    this.#pending.push({ delivery, outcome, o, confirmed });
    return confirmed?.promise;
  }

  flush(raw: TransportChannel): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const one of pending) {
      try {
        Promise.resolve(raw.settle(one.delivery, one.outcome, one.o)).then(
          () => one.confirmed?.resolve(),
          (error: unknown) => this.#fail(one, error),
        );
      } catch (error) {
        this.#fail(one, error);
      }
    }
  }

  fail(error: KombuError): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const one of pending) this.#fail(one, error);
  }

  #fail(one: Pending, cause: unknown): void {
    const error = asKombuError(cause, 'settle');
    if (one.confirmed !== undefined) one.confirmed.reject(error);
    else this.#failed(one.delivery, error);
  }
}
