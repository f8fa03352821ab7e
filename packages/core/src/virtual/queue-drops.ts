/** Who wants to hear of deleted queues: `TopologyStore.onQueueDropped` of a driver that is told of them. */
export class QueueDrops {
  readonly #listeners = new Set<(queue: string) => void>();

  /** Calls `listener` for every queue that is gone; the returned function ends that. */
  listen(listener: (queue: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** A queue is gone, whoever deleted it. */
  tell(queue: string): void {
    for (const listener of this.#listeners) listener(queue);
  }
}
