const DONE: Promise<void> = Promise.resolve();

/**
 * Whether something is its owner's or lent by a pool, and how it goes back there.
 *
 * - `own`: it is of no pool.
 * - `lent`: a pool has given it out.
 * - `back`: it lies in its pool.
 */
export class Loan {
  #state: 'own' | 'lent' | 'back' = 'own';
  #giveBack: () => Promise<void> = () => DONE;

  /** A pool gives it out; `giveBack` puts it back there. */
  lend(giveBack: () => Promise<void>): void {
    this.#state = 'lent';
    this.#giveBack = giveBack;
  }

  /** Puts it back, once for each time it was lent; undefined when it is of no pool. */
  release(): Promise<void> | undefined {
    if (this.#state === 'own') return undefined;
    if (this.#state === 'back') return DONE;
    this.#state = 'back';
    return this.#giveBack();
  }
}
