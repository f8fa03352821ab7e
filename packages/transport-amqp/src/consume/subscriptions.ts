import { ChannelError, type ConsumeRequest, NotSupportedError } from '@kombu/core';
import type { Channel } from 'amqplib';
import { toAmqplibTable } from '../driver/arguments.js';

/** So many of them, and they are replaced by one. */
const MANY = 8;

/** What a consumer is told when the broker ends it. */
export function endedByBroker(queue: string): ChannelError {
  const text = `the broker ended the consumer: queue "${queue}" was deleted, or the node that held it went away`;
  return new ChannelError('NOT_FOUND', text);
}

/** One `basic.consume`. */
interface Subscription {
  readonly tag: string;
  readonly prefetch: number;
}

/**
 * What one consumer has subscribed to on its AMQP channel: normally once. RabbitMQ does not change the prefetch of a running
 * consumer, so a larger prefetch is a second subscription of the difference beside the first: the sum is exact at every moment,
 * and the queue is never without consumer, so that an auto-delete queue lives on. For a smaller one, all are replaced.
 */
export class Subscriptions {
  readonly #channel: Channel;
  readonly #request: ConsumeRequest;
  readonly #cancelled: () => void;
  #running: Subscription[] = [];
  #started = 0;

  /** `cancelled` is called when the broker ends one. */
  constructor(channel: Channel, request: ConsumeRequest, cancelled: () => void) {
    this.#channel = channel;
    this.#request = request;
    this.#cancelled = cancelled;
  }

  /** How many unsettled deliveries the broker sends at most; 0: no limit. */
  get prefetch(): number {
    return this.#running.some((one) => one.prefetch === 0)
      ? 0
      : this.#running.reduce((sum, one) => sum + one.prefetch, 0);
  }

  /** Subscribes once more. @throws ChannelError NOT_FOUND when the broker ends it in the same breath. */
  async start(prefetch: number): Promise<void> {
    const { queue, tag, noAck, exclusive, arguments: table } = this.#request;
    const consumerTag = ++this.#started === 1 ? tag : `${tag}.${this.#started}`;
    if (!noAck) await this.#channel.prefetch(prefetch);
    const options = { consumerTag, noAck, exclusive, arguments: toAmqplibTable(table) };
    let why: ChannelError | undefined;
    const cancelled = (): void => {
      why = endedByBroker(queue);
      this.#cancelled();
    };
    await this.#channel.consume(queue, cancelled, options);
    if (why !== undefined) throw why;
    this.#running.push({ tag: consumerTag, prefetch });
  }

  /**
   * Changes the prefetch of the whole. Of an exclusive subscription a smaller one is left to this side to keep, since the
   * consumer would have to go for a moment.
   *
   * @throws NotSupportedError for a stream, which would be read from its start or from its end again; for a larger one of an
   * exclusive consumer of an auto-delete queue, which would be deleted.
   */
  async fit(prefetch: number, queue: { readonly isStream: boolean; readonly isAutoDelete: boolean }): Promise<void> {
    const has = this.prefetch;
    if (has === prefetch || this.#request.noAck || this.#running.length === 0) return;
    if (queue.isStream)
      throw new NotSupportedError('the prefetch of a running consumer of a stream cannot be changed: start a new one');
    if (this.#request.exclusive) {
      const fewer = prefetch !== 0 && (has === 0 || prefetch < has);
      if (fewer && (has !== 0 || queue.isAutoDelete)) return;
      if (queue.isAutoDelete)
        throw new NotSupportedError(
          'the prefetch of an exclusive consumer of an auto-delete queue cannot be raised while it runs: the queue would be deleted',
        );
    }
    const more = has !== 0 && prefetch > has;
    if (more && !this.#request.exclusive && this.#running.length < MANY) return this.start(prefetch - has);
    const old = this.#running;
    this.#running = [];
    // An exclusive consumer has to go before the next can come.
    if (this.#request.exclusive) await this.#end(old);
    await this.start(prefetch);
    if (!this.#request.exclusive) await this.#end(old);
  }

  /** The broker has ended them: subscribes anew. */
  async restart(prefetch: number): Promise<void> {
    this.#running = [];
    await this.start(prefetch);
  }

  /** Ends them all. */
  async cancel(): Promise<void> {
    const old = this.#running;
    this.#running = [];
    await this.#end(old);
  }

  async #end(old: readonly Subscription[]): Promise<void> {
    for (const { tag } of old) await this.#channel.cancel(tag);
  }
}
