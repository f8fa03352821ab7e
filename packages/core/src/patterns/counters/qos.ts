import { InvalidOptionError } from '../../errors/index.js';

/** The largest prefetch that the AMQP protocol can say. */
const MAX_PREFETCH = 65_535;

/**
 * A prefetch that grows and shrinks with the work in hand, told to the broker only when {@link QoS.update} is called.
 *
 * 0 means no limit, and stays so. A prefetch above 65535, which AMQP cannot say, is told as 0.
 *
 * @example
 * ```ts
 * const qos = new QoS((prefetchCount) => consumer.qos({ prefetchCount }), 10);
 * qos.incrementEventually();
 * await qos.update();
 * ```
 */
export class QoS {
  readonly #apply: (prefetchCount: number) => unknown;
  #value: number;
  #told: number | undefined;

  /**
   * @param apply tells the broker; may return a promise.
   * @param initialValue the prefetch to begin with. It is told with the first `update()`.
   */
  constructor(apply: (prefetchCount: number) => unknown, initialValue: number) {
    this.#apply = apply;
    this.#value = checked(initialValue);
  }

  /** The prefetch as it should be. */
  get value(): number {
    return this.#value;
  }

  /** Makes it greater by `n`, not yet at the broker. Returns it. */
  incrementEventually(n = 1): number {
    if (this.#value > 0) this.#value += Math.max(n, 0);
    return this.#value;
  }

  /** Makes it smaller by `n`, but never below 1, not yet at the broker. Returns it. */
  decrementEventually(n = 1): number {
    if (this.#value > 0) this.#value = Math.max(this.#value - Math.max(n, 0), 1);
    return this.#value;
  }

  /** Tells the broker this prefetch, unless it was told before. Resolves with it. */
  async set(prefetchCount: number): Promise<number> {
    const wanted = checked(prefetchCount);
    if (wanted !== this.#told) {
      const before = this.#told;
      this.#told = wanted;
      try {
        await this.#apply(wanted > MAX_PREFETCH ? 0 : wanted);
      } catch (error) {
        this.#told = before;
        throw error;
      }
    }
    return wanted;
  }

  /** Tells the broker the prefetch as it should be, if it has changed. */
  update(): Promise<number> {
    return this.set(this.#value);
  }
}

function checked(value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new InvalidOptionError('QoS: a prefetch must be a whole number of at least 0');
}
