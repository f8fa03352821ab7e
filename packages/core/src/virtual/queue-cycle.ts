import type { Feed } from './feed.js';

/**
 * The order in which queues are asked: those that may have something, each as soon as the ones before it. Only a queue that
 * was served moves to the end, so that a full queue gets its turn however many empty ones there are.
 */
export class QueueCycle {
  readonly #ready = new Set<Feed>();

  /** To be asked at its turn. */
  add(feed: Feed): void {
    this.#ready.add(feed);
  }

  remove(feed: Feed): void {
    this.#ready.delete(feed);
  }

  get size(): number {
    return this.#ready.size;
  }

  /**
   * Takes out the queues to ask next, at most `max`, all with or all without acknowledgement; one that is to be asked alone is by
   * itself. Those that turn out to have no credit are handed to `starved` and left out.
   */
  next(max: number, starved: (feed: Feed) => void): readonly Feed[] {
    const group: Feed[] = [];
    for (const feed of this.#ready) {
      if (group.length >= max) break;
      if (feed.free() === 0) {
        this.#ready.delete(feed);
        starved(feed);
        continue;
      }
      if (group[0] !== undefined && (group[0].noAck !== feed.noAck || feed.alone)) continue;
      this.#ready.delete(feed);
      group.push(feed);
      if (feed.alone) break;
    }
    return group;
  }
}
