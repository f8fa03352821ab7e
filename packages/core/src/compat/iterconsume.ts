import { ClosedError } from '../errors/index.js';
import type { Consumer } from '../messaging/consumer.js';
import { Turns } from '../patterns/mixins/turns.js';
import { checkOptionNames, wholeNumber } from '../util/check-options.js';

/** How carrot's consumers iterate. */
export interface IterconsumeOptions {
  /** After how many messages it ends. Default: never. */
  readonly limit?: number | undefined;
  /** Messages count as done when they are delivered. Default: as the consumer says. */
  readonly noAck?: boolean | undefined;
  /** Ends it with AbortedError. */
  readonly signal?: AbortSignal | undefined;
}

const NAMES = new Set(['limit', 'noAck', 'signal']);

/** Lets a consumer be iterated over by the calls of its callbacks. Made before it consumes. */
export class CarrotIteration<T> {
  readonly #consumer: Consumer<T>;
  #turns: Turns;
  #left = Number.POSITIVE_INFINITY;

  constructor(consumer: Consumer<T>) {
    this.#consumer = consumer;
    this.#turns = new Turns(consumer.connection.clock);
    consumer.observe(() => {
      this.#left--;
      if (this.#left <= 0) void consumer.flow(false);
      this.#turns.delivered();
    });
    consumer.on('cancelled', ({ error }) => this.#turns.fail(error));
    consumer.on('closed', ({ error }) => this.#turns.fail(error ?? new ClosedError('the consumer is closed')));
  }

  /** Starts the consumer and yields each time its callbacks are called. After `limit` times they are called no more. */
  async *iterate(options: IterconsumeOptions): AsyncGenerator<void, void, undefined> {
    checkOptionNames('iterconsume', options, NAMES);
    const { limit, noAck, signal } = options;
    this.#left = wholeNumber('iterconsume', 'limit', limit, 0) ?? Number.POSITIVE_INFINITY;
    const most = this.#left;
    if (most === 0) return;
    this.#turns = new Turns(this.#consumer.connection.clock);
    await this.#consumer.flow(true);
    await this.#consumer.consume({ noAck, signal });
    for (let turn = 0; turn < most; turn++) {
      await this.#turns.next({ signal }, 'iterconsume');
      yield;
    }
  }
}
