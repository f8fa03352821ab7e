import type { Clock } from '@kombu/core';

/**
 * The server's time as this process knows it: what it said last, and what has passed since by the monotonic clock, so that a step
 * of this machine's clock moves no lease.
 */
export class ServerClock {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  /** The server's time less the monotonic clock's. */
  #ahead: number | undefined;

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * Takes over what the server said between two moments of the monotonic clock. It may have said it at either of them: what is
   * known already is changed no more than it has to be, so that a slow answer does not make it worse.
   */
  learn(said: Date, sent: number, received: number): void {
    const [least, most] = [said.getTime() - received, said.getTime() - sent];
    const known = this.#ahead ?? (least + most) / 2;
    this.#ahead = Math.min(Math.max(known, least), most);
  }

  /** The server's time, so many milliseconds from now. */
  in(ms = 0): Date {
    return new Date(Math.round(this.#now() + ms));
  }

  /** A moment of this process's wall clock in the server's time. */
  of(moment: number): Date {
    return this.in(moment - this.#clock.now());
  }

  /** A moment of the server's in this process's wall clock. */
  here(date: Date): number {
    return date.getTime() - this.#now() + this.#clock.now();
  }

  #now(): number {
    return this.#ahead === undefined ? this.#clock.now() : this.#clock.monotonic() + this.#ahead;
  }
}
