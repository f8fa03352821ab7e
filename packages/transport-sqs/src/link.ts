import { ClosedError, deferred, KombuError, type Logger, OperationalError } from '@kombu/core';
import { Receives } from './receives.js';
import { TRIES } from './retry.js';
import { translateError } from './translate-error.js';

/** What the SDK's `send` takes beside the command. */
export interface SendOptions {
  readonly requestTimeout: number;
}

/**
 * What counts as a link to a service that is asked by HTTP: good until a call could not reach it. Every call of a driver goes
 * through here, so that errors are translated, answers have a deadline, and a lost link is told of once.
 */
export class SqsLink {
  readonly logger: Logger;
  readonly receives = new Receives();
  readonly #closed = deferred<KombuError | undefined>();
  readonly #answerMs: number;
  readonly #destroy: () => void;
  #reason: KombuError | undefined;
  #state: 'open' | 'closed' = 'open';

  /**
   * @param answerMs how long the service may take to answer
   * @param destroy lets go of every connection; called when no receive is in flight any more
   */
  constructor(logger: Logger, answerMs: number, destroy: () => void) {
    this.logger = logger;
    this.#answerMs = answerMs;
    this.#destroy = destroy;
  }

  get closed(): Promise<KombuError | undefined> {
    return this.#closed.promise;
  }

  /** Throws where the link is gone. */
  check(): void {
    if (this.#state === 'closed') throw this.#reason ?? new ClosedError('the connection is closed');
  }

  /**
   * Makes one call, and rejects with a KombuError.
   *
   * @param waitMs how long the service was asked to wait before it answers
   */
  async call<T>(what: string, send: (o: SendOptions) => Promise<T>, waitMs = 0): Promise<T> {
    this.check();
    try {
      return await this.#answer(what, send, waitMs);
    } catch (cause) {
      const error = translateError(cause, what);
      if (KombuError.is(error, 'ERR_KOMBU_CONNECTION_LOST')) this.#end(error);
      throw error;
    }
  }

  /** Makes a call that is still owed when the link has ended: to let go of what came late. */
  async owed<T>(what: string, send: (o: SendOptions) => Promise<T>): Promise<T> {
    try {
      return await this.#answer(what, send, 0);
    } catch (cause) {
      throw translateError(cause, what);
    }
  }

  /** The link is not needed any more. */
  end(): void {
    this.#end(undefined);
  }

  #end(reason: KombuError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#reason = reason;
    this.receives.end(reason ?? new ClosedError('the connection is closed'));
    if (this.receives.isIdle) this.#destroy();
    else void this.receives.landed().then(() => this.#destroy());
    this.#closed.resolve(reason);
  }

  /** Whatever hangs below, such as a provider of credentials, there is an end to it. */
  async #answer<T>(what: string, send: (o: SendOptions) => Promise<T>, waitMs: number): Promise<T> {
    const late = deferred<never>();
    const timer = setTimeout(
      () => late.reject(new OperationalError('CONNECTION_LOST', `${what} failed: no answer`)),
      TRIES * (waitMs + 2 * this.#answerMs),
    );
    try {
      return await Promise.race([send({ requestTimeout: waitMs + this.#answerMs }), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
