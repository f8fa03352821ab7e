/** The first pause after a queue was found empty. */
const SHORTEST_MS = 5;
/** The first pause after a reserve failed. */
const FIRST_RETRY_MS = 100;
/** The longest pause between failing reserves. */
const LONGEST_RETRY_MS = 5000;

/** How long to rest before the queues are looked at again: short after a message, longer each time there was none. */
export class AdaptivePoll {
  readonly #longest: number;
  #rest = SHORTEST_MS;
  #retry = FIRST_RETRY_MS;

  /** @param longestMs the pause it grows to */
  constructor(longestMs: number) {
    this.#longest = longestMs;
  }

  /** Something was there. */
  found(): void {
    this.#rest = SHORTEST_MS;
    this.#retry = FIRST_RETRY_MS;
  }

  /** The pause after everything was empty. */
  rest(): number {
    const rest = Math.min(this.#rest, this.#longest);
    this.#rest = Math.min(this.#rest * 2, this.#longest);
    return rest;
  }

  /** The pause after a failure. */
  retry(): number {
    const retry = this.#retry;
    this.#retry = Math.min(retry * 2, LONGEST_RETRY_MS);
    return retry;
  }
}

/** `ms`, up to a tenth more or less, so that many processes do not move in step. */
export function jittered(ms: number): number {
  return ms * (0.9 + Math.random() * 0.2);
}
