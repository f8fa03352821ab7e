import { InvalidOptionError } from '../errors/index.js';
import { didYouMean } from '../util/nearest.js';

/**
 * How the next URL of a failover list is chosen: in turn, by lot, or by an iterator of one's own over the URLs (which may
 * also yield others). The first URL of the list is always used first.
 */
export type FailoverStrategy = 'round-robin' | 'shuffle' | ((urls: readonly string[]) => Iterator<string>);

const NAMES = ['round-robin', 'shuffle'];

/** Checks a failover strategy that untyped code may have passed. */
export function checkedStrategy(value: unknown): FailoverStrategy {
  if (value === undefined) return 'round-robin';
  if (typeof value === 'function' || NAMES.includes(value as string)) return value as FailoverStrategy;
  throw new InvalidOptionError(
    `failoverStrategy must be 'round-robin', 'shuffle' or a function${didYouMean(value, NAMES)}`,
  );
}

/** Walks the URLs of a connection: which one is used now, and which one next. */
export class Failover {
  readonly #urls: readonly string[];
  readonly #strategy: FailoverStrategy;
  readonly #random: () => number;
  #current: string;
  #position = 0;
  #drawn: string[] = [];
  #iterator: Iterator<string> | undefined;

  constructor(urls: readonly string[], strategy: FailoverStrategy, random: () => number = Math.random) {
    const [first] = urls;
    if (first === undefined)
      throw new InvalidOptionError('a connection needs at least one URL, and was given an empty text or list');
    this.#urls = urls;
    this.#strategy = strategy;
    this.#random = random;
    this.#current = first;
  }

  /** The URL in use. */
  get current(): string {
    return this.#current;
  }

  /** All URLs, in the order given. */
  get urls(): readonly string[] {
    return this.#urls;
  }

  /** How many URLs one pass over the list tries. */
  get length(): number {
    return this.#urls.length;
  }

  /** Goes on to the next URL and returns it. */
  next(): string {
    if (typeof this.#strategy === 'function') this.#current = this.#fromIterator(this.#strategy);
    else if (this.#strategy === 'shuffle') this.#current = this.#byLot();
    else {
      this.#position = (this.#position + 1) % this.#urls.length;
      this.#current = this.#urls[this.#position] as string;
    }
    return this.#current;
  }

  /** Every URL once in random order, then all of them anew; never the same one twice in a row when there are others. */
  #byLot(): string {
    if (this.#drawn.length === 0) {
      this.#drawn = this.#urls.length > 1 ? this.#urls.filter((url) => url !== this.#current) : [...this.#urls];
    }
    const at = Math.min(Math.floor(this.#random() * this.#drawn.length), this.#drawn.length - 1);
    return this.#drawn.splice(at, 1)[0] ?? this.#current;
  }

  #fromIterator(strategy: (urls: readonly string[]) => Iterator<string>): string {
    for (let round = 0; round < 2; round++) {
      this.#iterator ??= strategy(this.#urls);
      const item = this.#iterator.next();
      if (!item.done) {
        if (typeof item.value === 'string') return item.value;
        throw new InvalidOptionError('failoverStrategy must yield URLs as strings');
      }
      this.#iterator = undefined;
    }
    throw new InvalidOptionError('failoverStrategy yielded no URL');
  }
}
