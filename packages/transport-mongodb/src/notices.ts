import type { Watch } from '@kombu/core/virtual';

/** Tells of queues that may have something, and of queues that are gone, whoever did it. */
export interface Notices {
  /** Starts to tell `wake`; the queues that it wants to hear of are added to the watch. */
  watch(wake: (queue: string) => void): Watch;
  /** Something is there: for the consumers of this link at once, for others as the server lets us. */
  wake(queue: string): void;
  /** The consumers of this link have not taken all that there was. */
  more(queue: string): void;
  dropped(queue: string): void;
  close(): void;
}

/** The queues that a link consumes from, and who is to be woken for them. */
export class Watched {
  readonly #queues = new Set<string>();
  readonly #changed: () => void;
  #wake: ((queue: string) => void) | undefined;

  /** @param changed called when other queues are watched */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get queues(): ReadonlySet<string> {
    return this.#queues;
  }

  wake(queue: string): void {
    if (this.#queues.has(queue)) this.#wake?.(queue);
  }

  wakeAll(): void {
    for (const queue of this.#queues) this.#wake?.(queue);
  }

  watch(wake: (queue: string) => void): Watch {
    this.#wake = wake;
    return {
      add: (queue) => {
        this.#queues.add(queue);
        // After the caller has what this returns.
        queueMicrotask(() => this.wake(queue));
        this.#changed();
      },
      remove: (queue) => {
        this.#queues.delete(queue);
        this.#changed();
      },
      close: async () => {
        this.#wake = undefined;
        this.#queues.clear();
        this.#changed();
      },
    };
  }
}
