import { type Deferred, deferred } from '../util/deferred.js';
import type { Sink } from './inbox.js';
import type { Message } from './message.js';

/** What an iteration needs of its consumer. */
export interface IterationHost {
  /** Starts consuming. */
  start(): Promise<void>;
  /** Somebody waits for a message. */
  wanted(): void;
  /** This one may not or cannot be decoded. */
  refuse(message: Message): void;
  /** Ends consuming: what was not handed over goes back. */
  stop(): Promise<void>;
}

/**
 * The messages of a consumer as an async iterator: one at a time, in the order of delivery. It starts with the first `next`.
 * Leaving the loop ends the consuming; messages that were handed over stay as they are.
 */
export class MessageIterator<T> implements AsyncIterableIterator<Message<T>>, Sink {
  readonly #host: IterationHost;
  #state: 'new' | 'running' | 'ended' = 'new';
  #takers: Deferred<IteratorResult<Message<T>, undefined>>[] = [];
  #error: unknown;
  #starting: Promise<void> | undefined;

  constructor(host: IterationHost) {
    this.#host = host;
  }

  get ready(): boolean {
    return this.#takers.length > 0;
  }

  take(message: Message): void {
    this.#takers.shift()?.resolve({ value: message as Message<T>, done: false });
  }

  refuse(message: Message): void {
    this.#host.refuse(message);
  }

  async next(): Promise<IteratorResult<Message<T>, undefined>> {
    if (this.#state === 'new') await this.#begin();
    // Whoever asks while it starts waits as well, or the second would get the first message; the first gets the error.
    else if (this.#starting !== undefined) await this.#starting.catch(() => {});
    if (this.#state === 'ended') return this.#over();
    const taker = deferred<IteratorResult<Message<T>, undefined>>();
    this.#takers.push(taker);
    this.#host.wanted();
    return taker.promise;
  }

  get #hasEnded(): boolean {
    return this.#state === 'ended';
  }

  #begin(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#state = 'running';
    try {
      await this.#host.start();
    } catch (error) {
      const closedMeanwhile = this.#hasEnded;
      this.end();
      await this.#host.stop();
      if (!closedMeanwhile) throw error;
    } finally {
      this.#starting = undefined;
    }
  }

  /** The end; an error is thrown once, to whoever asks first. */
  #over(): IteratorReturnResult<undefined> {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    return { value: undefined, done: true };
  }

  /** No more messages will come: whoever waits gets the end, or the error. */
  end(error?: unknown): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#error = error;
    const takers = this.#takers;
    this.#takers = [];
    for (const taker of takers) {
      try {
        taker.resolve(this.#over());
      } catch (thrown) {
        taker.reject(thrown);
      }
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    const before = this.#state;
    this.end();
    if (before === 'running') await this.#host.stop();
    return { value: undefined, done: true };
  }

  async throw(error?: unknown): Promise<IteratorReturnResult<undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
