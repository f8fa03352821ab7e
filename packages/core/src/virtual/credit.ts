/**
 * How many unsettled deliveries may be out. Credit is taken before a reserve is made and given back when a delivery is
 * settled, or at once for what the reserve did not bring.
 */
export class Credit {
  #limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** A lower limit takes nothing back: nothing new is given until enough has been settled. */
  set limit(limit: number) {
    this.#limit = limit;
  }

  get free(): number {
    return Math.max(0, this.#limit - this.#taken);
  }

  take(count: number): void {
    this.#taken += count;
  }

  give(count: number): void {
    this.#taken = Math.max(0, this.#taken - count);
  }
}
