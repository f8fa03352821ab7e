import { InvalidOptionError } from '../../errors/index.js';

/**
 * So many places, and callbacks that are called when they get one: at once, or when one is released. Lax: releasing more often
 * than acquiring does no harm.
 *
 * @example
 * ```ts
 * const places = new LaxBoundedSemaphore(2);
 * places.acquire(start, 'job 1');
 * places.acquire(start, 'job 2');
 * places.acquire(start, 'job 3'); // called when a place is released
 * ```
 */
export class LaxBoundedSemaphore {
  #size: number;
  #value: number;
  #waiting: (() => void)[] = [];

  /** @throws InvalidOptionError when `value` is no whole number of at least 0. */
  constructor(value: number) {
    this.#size = checked(value);
    this.#value = value;
  }

  /** How many places are free. */
  get value(): number {
    return this.#value;
  }

  /** How many places there are. */
  get initialValue(): number {
    return this.#size;
  }

  /** How many callbacks wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls `callback` with `args` once there is a place for it; whether that was at once. */
  acquire<A extends readonly unknown[]>(callback: (...args: A) => unknown, ...args: A): boolean {
    if (this.#value <= 0) {
      this.#waiting.push(() => callback(...args));
      return false;
    }
    this.#value--;
    callback(...args);
    return true;
  }

  /** Frees a place: the callback that has waited longest gets it. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#value = Math.min(this.#value + 1, this.#size);
    else next();
  }

  /** Makes `n` places more. */
  grow(n = 1): void {
    checked(n);
    this.#size += n;
    for (let i = 0; i < n; i++) this.release();
  }

  /** Makes `n` places less. Those that are taken stay so. */
  shrink(n = 1): void {
    checked(n);
    this.#size = Math.max(this.#size - n, 0);
    this.#value = Math.max(this.#value - n, 0);
  }

  /** Frees all places and forgets the callbacks that wait. */
  clear(): void {
    this.#waiting = [];
    this.#value = this.#size;
  }
}

function checked(value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new InvalidOptionError('LaxBoundedSemaphore: a number of places must be a whole number of at least 0');
}
