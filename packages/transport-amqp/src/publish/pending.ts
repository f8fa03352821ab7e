import {
  abortError,
  type KombuError,
  onAbort,
  type PublishOp,
  type Route,
  TimeoutError,
  type WireMessage,
} from '@kombu/core';

/** One publish that has not ended. */
export class Pending {
  readonly message: WireMessage;
  readonly route: Route;
  readonly deadline: number;
  /** The headers as they were encoded; of mandatory messages only. */
  readonly table: Buffer | undefined;
  readonly promise: Promise<void>;
  /** Whether its frames were handed to the network, on the channel that is open now. */
  sent = false;
  #resolve!: () => void;
  #reject!: (error: KombuError) => void;
  #ended = false;
  #unlisten: (() => void) | undefined;

  constructor(message: WireMessage, route: Route, o: PublishOp | undefined, table?: Buffer) {
    this.message = message;
    this.route = route;
    this.table = table;
    this.deadline = o?.deadline ?? Number.POSITIVE_INFINITY;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const signal = o?.signal;
    if (signal !== undefined) this.#unlisten = onAbort(signal, () => this.fail(abortError(signal, 'publish')));
  }

  /** Whether its promise is settled: whatever the broker still says of it is of no interest. */
  get ended(): boolean {
    return this.#ended;
  }

  done(): void {
    if (this.#ended) return;
    this.#end();
    this.#resolve();
  }

  fail(error: KombuError): void {
    if (this.#ended) return;
    this.#end();
    this.#reject(error);
  }

  /** Its deadline has come. */
  expire(): void {
    const sent = this.sent ? 'maybe' : 'no';
    const what = this.sent
      ? 'the broker has not confirmed the message in time'
      : 'the message could not be sent in time';
    this.fail(new TimeoutError(what, { sent }));
  }

  #end(): void {
    this.#ended = true;
    this.#unlisten?.();
  }
}
