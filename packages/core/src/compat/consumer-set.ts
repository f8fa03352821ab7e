import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import { Queue } from '../entity/queue.js';
import type { KombuQueueOptions } from '../entity/queue-dict.js';
import { Consumer as KombuConsumer } from '../messaging/consumer.js';
import type { ConsumerOptions } from '../messaging/consumer-options.js';
import { CarrotIteration, type IterconsumeOptions } from './iterconsume.js';

/** What a {@link ConsumerSet} is made with. */
export interface ConsumerSetOptions<T = unknown> extends Omit<ConsumerOptions<T>, 'queues'> {
  /** Queues by name, in Kombu's own shape: see `Queue.fromDict`. */
  readonly fromDict?: Readonly<Record<string, KombuQueueOptions>> | undefined;
  /** Consumers whose queues are consumed from. */
  readonly consumers?: readonly KombuConsumer<T>[] | undefined;
  /** The channel to consume on. Default: one of its own. */
  readonly channel?: Channel | undefined;
}

/** Carrot's consumer of several queues. New code uses `Consumer` of the main entry point. */
export class ConsumerSet<T = unknown> extends KombuConsumer<T> {
  readonly #iteration = new CarrotIteration<T>(this);

  /** @throws InvalidOptionError for an unknown option or a value of the wrong kind. */
  constructor(connection: Connection, options: ConsumerSetOptions<T> = {}) {
    const { fromDict = {}, consumers = [], channel, ...rest } = options;
    const queues = Object.entries(fromDict).map(([name, o]) => Queue.fromDict<T>(name, o));
    super(channel ?? connection, { ...rest, queues });
    for (const consumer of consumers) this.addConsumer(consumer);
  }

  /** Consumes from the queues of this consumer, too. */
  addConsumer(consumer: KombuConsumer<T>): void {
    for (const queue of consumer.queues) this.addQueue(queue);
  }

  /** Consumes from this queue, too. */
  addConsumerFromDict(queue: string, options: KombuQueueOptions = {}): BoundQueue<T> {
    return this.addQueue(Queue.fromDict<T>(queue, options));
  }

  /** Removes the messages that are ready from all queues; resolves with how many. */
  async discardAll(): Promise<number> {
    await this.declare();
    return this.purge();
  }

  /** Consumes, and yields each time that the callbacks are called. */
  iterconsume(options: IterconsumeOptions = {}): AsyncGenerator<void, void, undefined> {
    return this.#iteration.iterate(options);
  }
}
