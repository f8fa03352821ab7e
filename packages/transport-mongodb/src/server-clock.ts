/** The server's time as this process knows it: what it said last, and what has passed since. */
export class ServerClock {
  readonly #now: () => number;
  #ahead = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes over what the server said between two moments of this process. */
  learn(said: Date, sent: number, received: number): void {
    this.#ahead = said.getTime() - (sent + received) / 2;
  }

  /** The server's time, so many milliseconds from now. */
  in(ms = 0): Date {
    return this.of(this.#now() + ms);
  }

  /** A moment of this process's clock in the server's time. */
  of(moment: number): Date {
    return new Date(Math.round(moment + this.#ahead));
  }

  /** A moment of the server's in this process's clock. */
  here(date: Date): number {
    return date.getTime() - this.#ahead;
  }
}
