import { deferred } from '../util/deferred.js';
import type { Failures } from './failures.js';
import { HandlerCalls, handling, isThenable } from './handler-context.js';
import type { Sink } from './inbox.js';
import type { Message } from './message.js';

/** Calls the handler of a consumer, at most `concurrency` at a time, in the order of delivery. */
export class HandlerRunner implements Sink {
  readonly #handler: (message: Message) => unknown;
  readonly #failures: Failures;
  readonly #calls = new HandlerCalls();
  readonly #running = new Set<Message>();
  /** Those whose handler called close itself: nobody waits for them. */
  readonly #exempt = new Set<Message>();
  /** Whose handler is being called right now, before it has returned. */
  #calling: Message | undefined;
  #concurrency: number;
  #waiters: (() => void)[] = [];
  /** Called when there is room again. */
  onReady: () => void = () => {};

  constructor(handler: (message: Message) => unknown, failures: Failures, concurrency: number) {
    this.#handler = handler;
    this.#failures = failures;
    this.#concurrency = concurrency;
  }

  get ready(): boolean {
    return this.#running.size < this.#concurrency;
  }

  setConcurrency(concurrency: number): void {
    this.#concurrency = concurrency;
  }

  take(message: Message): void {
    const outer = this.#calling;
    this.#calling = message;
    try {
      this.#call(message);
    } finally {
      this.#calling = outer;
    }
  }

  /** `onDecodeError` gets it; it may close the consumer, as a handler may. */
  refuse(message: Message): void {
    const outer = this.#calling;
    this.#calling = message;
    try {
      this.#track(
        message,
        handling.run(message, () => this.#failures.refused(message)),
      );
    } finally {
      this.#calling = outer;
    }
  }

  #call(message: Message): void {
    let result: unknown;
    try {
      result = this.#calls.call(this.#handler, message);
    } catch (error) {
      this.#track(message, this.#thrown(message, error));
      return;
    }
    if (isThenable(result)) {
      this.#follow(message, result);
    } else {
      this.#failures.handled(message);
      this.#track(message, undefined);
    }
  }

  #follow(message: Message, result: PromiseLike<unknown>): void {
    this.#running.add(message);
    const promise = result instanceof Promise ? result : Promise.resolve(result);
    promise.then(
      () => {
        this.#failures.handled(message);
        this.#finished(message);
      },
      (error: unknown) => this.#after(message, this.#thrown(message, error)),
    );
  }

  #track(message: Message, work: Promise<void> | undefined): void {
    if (work === undefined) {
      if (this.#exempt.size > 0 && this.#exempt.has(message)) this.#finished(message);
      return;
    }
    this.#running.add(message);
    this.#after(message, work);
  }

  /** What `onError` makes of it; it may close the consumer, as the handler may. */
  #thrown(message: Message, error: unknown): Promise<void> | undefined {
    return handling.run(message, () => this.#failures.thrown(message, error));
  }

  /** `work` never rejects. */
  #after(message: Message, work: Promise<void> | undefined): void {
    if (work === undefined) this.#finished(message);
    else void work.then(() => this.#finished(message));
  }

  #finished(message: Message): void {
    this.#running.delete(message);
    if (this.#exempt.size > 0) this.#exempt.delete(message);
    if (this.#waiters.length > 0) this.#notify();
    this.onReady();
  }

  /** Leaves out the handler that the caller runs in, if it is one of these, from what {@link HandlerRunner.idle} waits for. */
  exemptCaller(): void {
    const current = this.#calls.current();
    const message = current !== undefined && this.#running.has(current) ? current : this.#calling;
    if (message === undefined) return;
    this.#running.add(message);
    this.#exempt.add(message);
    this.#notify();
  }

  /** Resolves when no handler is running but those that wait for it. */
  idle(): Promise<void> {
    const { promise, resolve } = deferred();
    this.#waiters.push(resolve);
    this.#notify();
    return promise;
  }

  #notify(): void {
    if (this.#waiters.length === 0 || this.#running.size > this.#exempt.size) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
