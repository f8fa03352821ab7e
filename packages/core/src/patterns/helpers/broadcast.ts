import { Exchange } from '../../entity/exchange.js';
import { Queue } from '../../entity/queue.js';
import type { QueueOptions } from '../../entity/queue-options.js';
import { flag, text } from '../../util/check-options.js';
import { uuid } from '../../util/id.js';

/** What a {@link Broadcast} is made with. */
export interface BroadcastOptions<T = unknown> extends QueueOptions<T> {
  /** The name of the queue. Default: `bcast.` and a UUID. */
  queue?: string | undefined;
  /** Adds a UUID to `queue`, so that everybody has a queue of his own. Default: only when there is no `queue`. */
  unique?: boolean | undefined;
}

/**
 * A queue that gets a copy of every message of a fanout exchange: its name is its own, and queue and exchange go away when they
 * are not used any more. What is sent while nobody listens is lost.
 *
 * @example
 * ```ts
 * const news = new Broadcast('news');
 * await connection.producer().publish('hello', { exchange: news.exchange });
 * ```
 * @throws InvalidOptionError for an unknown option or a value of the wrong kind.
 */
export class Broadcast<T = unknown> extends Queue<T> {
  /** @param name the name of the exchange, and the queue's alias. */
  constructor(name: string, { queue, unique, alias, ...options }: BroadcastOptions<T> = {}) {
    const given = text('Broadcast', 'queue', queue, '');
    const own = flag('Broadcast', 'unique', unique, given === '');
    super(own ? `${given || 'bcast'}.${uuid()}` : given, {
      autoDelete: true,
      exchange: new Exchange(name, { type: 'fanout', autoDelete: true }),
      alias: alias ?? name,
      ...options,
    });
  }
}
