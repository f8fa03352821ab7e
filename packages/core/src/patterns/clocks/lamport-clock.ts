import { InvalidOptionError } from '../../errors/index.js';

/** An event: when it happened by the logical clock, which process it happened in, and anything else. */
export type ClockedEvent = readonly [clock: number, id: string, ...rest: unknown[]];

/**
 * Lamport's logical clock: a counter that gives the events of several processes an order without a common time.
 *
 * It is moved forward before a message is sent, which carries it, and adjusted to the clock of each message that is received.
 * https://en.wikipedia.org/wiki/Lamport_timestamp
 */
export class LamportClock {
  #value: number;

  /** @throws InvalidOptionError when `initialValue` is no whole number of at least 0. */
  constructor(initialValue = 0) {
    if (!Number.isSafeInteger(initialValue) || initialValue < 0) {
      throw new InvalidOptionError('LamportClock: the initial value must be a whole number of at least 0');
    }
    this.#value = initialValue;
  }

  /** What it shows. */
  get value(): number {
    return this.#value;
  }

  /** Goes on by one; returns the new value, for a message that is about to be sent. */
  forward(): number {
    this.#value += 1;
    return this.#value;
  }

  /** Goes behind the clock of a message that was received, and its own; returns the new value. Anything but a number is ignored. */
  adjust(other: number): number {
    const known = Number.isSafeInteger(other) ? other : 0;
    this.#value = Math.max(this.#value, known) + 1;
    return this.#value;
  }

  /**
   * The first of events that are sorted by their clocks already: among several of the same clock, that of the process whose id
   * sorts first. undefined when there are none.
   */
  sortHeap<E extends ClockedEvent>(events: readonly E[]): E | undefined {
    let first = events[0];
    if (first === undefined) return undefined;
    for (const event of events) {
      if (event[0] !== first[0]) break;
      if (event[1] < first[1]) first = event;
    }
    return first;
  }

  /** Its value, for logs. */
  toString(): string {
    return String(this.#value);
  }
}
