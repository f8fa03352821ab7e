import { withDeadline } from '../connection/deadlines.js';
import { BufferFullError, KombuError, TimeoutError } from '../errors/index.js';
import type { MaybePromise } from '../transport/channel.js';
import type { Clock } from '../util/clock.js';
import { deferred } from '../util/deferred.js';

/** How many publishes of one producer may stand in line at once. */
const LONGEST_LINE = 10_000;

/** What limits the wait of one publish. */
export interface LineLimits {
  /** On the scale of `clock.monotonic()`; undefined: none. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Publishes that have to wait for something (a compression, a declaration, one that stands before them), so that messages reach
 * the channel in the order of the calls. What they wait for goes on at the same time; only the handing over is in turn.
 */
export class PublishLine {
  readonly #clock: Clock;
  /** Ends when all that stand in line now have had their turn. Never rejects. */
  #last: Promise<void> | undefined;
  #length = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether somebody stands in line. */
  get isBusy(): boolean {
    return this.#last !== undefined;
  }

  /** Ends when all that stand in line now have had their turn. */
  get idle(): Promise<void> {
    return this.#last ?? Promise.resolve();
  }

  /**
   * Waits for `ready`, then for its turn, then does `before` (declarations) and hands the message over.
   *
   * @throws BufferFullError; TimeoutError with `sent: 'no'`.
   */
  enter<M>(
    ready: MaybePromise<M>,
    limits: LineLimits,
    before: (signal: AbortSignal | undefined) => Promise<void>,
    handOver: (message: M) => MaybePromise<void>,
  ): Promise<void> {
    if (this.#length >= LONGEST_LINE) {
      if (ready instanceof Promise) ready.catch(() => {});
      return Promise.reject(
        new BufferFullError(`${LONGEST_LINE} messages of this producer wait to be published: await some of them first`),
      );
    }
    const previous = this.#last;
    const handedOver = deferred();
    const turn = previous === undefined ? handedOver.promise : previous.then(() => handedOver.promise);
    this.#last = turn;
    this.#length++;
    void turn.then(() => {
      if (this.#last === turn) this.#last = undefined;
    });
    return this.#wait(ready, previous, limits, before, handOver, () => {
      this.#length--;
      handedOver.resolve();
    });
  }

  async #wait<M>(
    ready: MaybePromise<M>,
    previous: Promise<void> | undefined,
    { deadline, signal: outer }: LineLimits,
    before: (signal: AbortSignal | undefined) => Promise<void>,
    handOver: (message: M) => MaybePromise<void>,
    leave: () => void,
  ): Promise<void> {
    let taking: MaybePromise<void>;
    try {
      const timeoutMs = deadline === undefined ? undefined : Math.max(0, deadline - this.#clock.monotonic());
      const message = await withDeadline({ signal: outer, timeoutMs }, this.#clock, 'publish', async (signal) => {
        const encoded = await ready;
        await previous;
        await before(signal);
        return encoded;
      });
      taking = handOver(message);
    } catch (error) {
      throw unsent(error);
    } finally {
      leave();
    }
    await taking;
  }
}

/** A time-out in line says that nothing was sent. */
function unsent(error: unknown): unknown {
  if (!KombuError.is(error, 'ERR_KOMBU_TIMEOUT') || (error as TimeoutError).sent !== undefined) return error;
  return new TimeoutError('the message could not be published in time', { sent: 'no', cause: error });
}
