import { sleep } from '../connection/deadlines.js';
import { KombuError } from '../errors/index.js';
import { throwIfAborted } from '../util/abort.js';
import type { Clock } from '../util/clock.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { PublishManyError } from './publish-many-error.js';

/** How many messages are on their way at once. */
const WINDOW = 1000;
/** After so many messages that were taken synchronously others get a turn. */
const TURN = 1024;
/** How long to leave a full buffer alone. */
const BUFFER_PAUSE_MS = 10;

/** A run of publishes: at most a window of them in flight, failures gathered by position. */
export class PublishRun {
  readonly #publish: (body: unknown) => Promise<void>;
  readonly #taken: Promise<void>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #failures: { index: number; error: unknown }[] = [];
  #total = 0;
  #inFlight = 0;
  #change: Deferred<void> | undefined;

  /** `taken` is what `publish` returns for a message that the broker has taken at once. */
  constructor(publish: (body: unknown) => Promise<void>, taken: Promise<void>, clock: Clock, signal?: AbortSignal) {
    this.#publish = publish;
    this.#taken = taken;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Publishes all. @throws PublishManyError, AbortedError, or what the source of the bodies throws. */
  async all(bodies: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
    try {
      if (Symbol.asyncIterator in bodies) {
        for await (const body of bodies) {
          if (this.#mustWait()) await this.#room();
          this.#start(body);
        }
      } else {
        for (const body of bodies) {
          if (this.#mustWait()) await this.#room();
          this.#start(body);
        }
      }
    } finally {
      while (this.#inFlight > 0) await this.#changed();
    }
    if (this.#failures.length > 0) throw new PublishManyError(this.#failures, this.#total);
  }

  #mustWait(): boolean {
    throwIfAborted(this.#signal, 'publishMany');
    return this.#inFlight >= WINDOW || this.#total % TURN === TURN - 1;
  }

  async #room(): Promise<void> {
    while (this.#inFlight >= WINDOW) await this.#changed();
    if (this.#total % TURN === TURN - 1) await new Promise(setImmediate);
  }

  #start(body: unknown): void {
    const index = this.#total++;
    const publishing = this.#publish(body);
    if (publishing === this.#taken) return;
    this.#inFlight++;
    this.#follow(publishing, body, index);
  }

  #follow(publishing: Promise<void>, body: unknown, index: number): void {
    publishing.then(
      () => this.#ended(),
      (error: unknown) => {
        if (KombuError.is(error, 'ERR_KOMBU_BUFFER_FULL') && !this.#signal?.aborted) this.#again(body, index, error);
        else this.#failed(index, error);
      },
    );
  }

  /** Others fill the buffer: their messages go first. */
  #again(body: unknown, index: number, cause: unknown): void {
    sleep(BUFFER_PAUSE_MS, this.#clock, 'publishMany', { signal: this.#signal }).then(
      () => this.#follow(this.#publish(body), body, index),
      () => this.#failed(index, cause),
    );
  }

  #failed(index: number, error: unknown): void {
    this.#failures.push({ index, error });
    this.#ended();
  }

  #ended(): void {
    this.#inFlight--;
    this.#change?.resolve();
    this.#change = undefined;
  }

  #changed(): Promise<void> {
    this.#change ??= deferred();
    return this.#change.promise;
  }
}
