import { Feed } from './feed.js';
import type { QueueSettings } from './queue-arguments.js';

/** The feeds of a link: one a queue, and one more for its consumers without acknowledgement. */
export class FeedTable {
  readonly #acked = new Map<string, Feed>();
  readonly #auto = new Map<string, Feed>();

  get size(): number {
    return this.#acked.size + this.#auto.size;
  }

  get(queue: string, noAck: boolean): Feed | undefined {
    return (noAck ? this.#auto : this.#acked).get(queue);
  }

  has(queue: string): boolean {
    return this.#acked.has(queue) || this.#auto.has(queue);
  }

  make(queue: string, noAck: boolean, settings: QueueSettings): Feed {
    const feed = new Feed(queue, noAck, settings);
    (noAck ? this.#auto : this.#acked).set(queue, feed);
    return feed;
  }

  delete(feed: Feed): void {
    (feed.noAck ? this.#auto : this.#acked).delete(feed.queue);
  }

  /** Whether this very feed is still in use. */
  holds(feed: Feed): boolean {
    return this.get(feed.queue, feed.noAck) === feed;
  }

  /** Whether a queue is neither being asked nor about to be. */
  anyCold(): boolean {
    for (const feed of this.values()) if (feed.state === 'cold') return true;
    return false;
  }

  *values(): Iterable<Feed> {
    yield* this.#acked.values();
    yield* this.#auto.values();
  }
}
