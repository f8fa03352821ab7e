import type { Watch } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { Line } from './line.js';

/** More queues than that are not remembered at once. */
const MAX_LINES = 1000;

/** The lines of all queues that this link takes messages from, and who is told when they change. */
export class Lines {
  readonly #context: DriverContext;
  readonly #lines = new Map<string, Line>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #watched = new Set<string>();
  readonly #dropped = new Set<(queue: string) => void>();
  #wake: ((queue: string) => void) | undefined;

  constructor(context: DriverContext) {
    this.#context = context;
  }

  of(queue: string): Line {
    let line = this.#lines.get(queue);
    if (line === undefined) {
      const { link, paths, transport } = this.#context;
      for (const name of this.#lines.keys()) {
        if (this.#lines.size < MAX_LINES) break;
        if (!this.#watched.has(name)) this.#lines.delete(name);
      }
      const events = { changed: (name: string) => this.changed(name), gone: (name: string) => this.#gone(name) };
      line = new Line(link, paths, queue, events, () => transport.clock.monotonic());
      this.#lines.set(queue, line);
    }
    return line;
  }

  /** One look at a queue at a time: two at once would be after the same messages. */
  inTurn<T>(queue: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(queue);
    const mine = before === undefined ? work() : before.then(work);
    const ended = mine.then(
      () => {},
      () => {},
    );
    this.#turns.set(queue, ended);
    void ended.then(() => {
      if (this.#turns.get(queue) === ended) this.#turns.delete(queue);
    });
    return mine;
  }

  /** Whether somebody consumes from it, so that its changes are to be told. */
  isWatched(queue: string): boolean {
    return this.#watched.has(queue);
  }

  changed(queue: string): void {
    if (this.#watched.has(queue)) this.#wake?.(queue);
  }

  #gone(queue: string): void {
    if (!this.#watched.has(queue)) return;
    for (const listener of this.#dropped) listener(queue);
  }

  /** Tells of queues that are consumed from here and were deleted, by whoever. */
  onDropped(listener: (queue: string) => void): () => void {
    this.#dropped.add(listener);
    return () => {
      this.#dropped.delete(listener);
    };
  }

  /** The part of the driver that wakes consumers. */
  watch(wake: (queue: string) => void): Watch {
    this.#wake = wake;
    return {
      add: (queue) => {
        this.#watched.add(queue);
        wake(queue);
      },
      remove: (queue) => void this.#watched.delete(queue),
      close: async () => {
        this.#wake = undefined;
        this.#watched.clear();
      },
    };
  }
}
