import { OperationalError } from '@kombu/core';

/** The token of who has logged in, and how to get another one: a server forgets it when it was not used for five minutes. */
export class Token {
  /** What calls end with that the server did not accept the token of. */
  readonly refused = new OperationalError('CONNECTION_LOST', 'etcd does not accept the token any more');
  value: string | undefined;
  #logIn: (() => Promise<string>) | undefined;
  #renewal: Promise<void> | undefined;

  /** Logs in for the first time, and keeps how. */
  async start(logIn: () => Promise<string>): Promise<void> {
    this.value = await logIn();
    this.#logIn = logIn;
  }

  /** Whether a call ended because of the token, and another token can be had. */
  isRefusal(error: unknown): boolean {
    return error === this.refused && this.#logIn !== undefined;
  }

  /** Logs in again, once for all calls that ask at the same time. */
  renew(): Promise<void> {
    const logIn = this.#logIn;
    this.#renewal ??= (logIn?.() ?? Promise.reject(this.refused))
      .then((token) => {
        this.value = token;
      })
      .finally(() => {
        this.#renewal = undefined;
      });
    return this.#renewal;
  }
}
