import { InvalidOptionError } from '../../errors/index.js';
import { type Clock, systemClock } from '../../util/clock.js';

/**
 * Limits a rate: the bucket fills with `fillRate` tokens a second up to `capacity`, and what is done takes tokens out. It can
 * also hold what has to wait for a token.
 *
 * The token bucket algorithm: https://en.wikipedia.org/wiki/Token_bucket
 *
 * @typeParam T what may wait in it
 */
export class TokenBucket<T = unknown> {
  /** Tokens a second. */
  readonly fillRate: number;
  /** How many tokens it holds at most. */
  readonly capacity: number;
  readonly #clock: Clock;
  readonly #contents: T[] = [];
  #tokens: number;
  #at: number;

  /** @throws InvalidOptionError when a number is not greater than 0. */
  constructor(fillRate: number, capacity = 1, clock: Clock = systemClock) {
    if (!(fillRate > 0) || !(capacity > 0)) {
      throw new InvalidOptionError('TokenBucket: fill rate and capacity must be greater than 0');
    }
    this.fillRate = fillRate;
    this.capacity = capacity;
    this.#clock = clock;
    this.#tokens = capacity;
    this.#at = clock.monotonic();
  }

  /** Takes `tokens` out if there are as many; whether there were. */
  canConsume(tokens = 1): boolean {
    if (tokens > this.#fill()) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** In how many milliseconds there will be `tokens` in it; 0: now. */
  expectedTime(tokens = 1): number {
    const wanted = Math.max(tokens, this.#fill());
    return ((wanted - this.#tokens) * 1000) / this.fillRate;
  }

  #fill(): number {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.capacity, this.#tokens + (this.fillRate * (now - this.#at)) / 1000);
    this.#at = now;
    return this.#tokens;
  }

  /** What waits in it, oldest first. */
  get contents(): readonly T[] {
    return this.#contents;
  }

  /** Has something wait in it. */
  add(item: T): void {
    this.#contents.push(item);
  }

  /** Takes the oldest that waits out; undefined when nothing does. */
  pop(): T | undefined {
    return this.#contents.shift();
  }

  /** Forgets what waits in it. */
  clearPending(): void {
    this.#contents.length = 0;
  }
}
