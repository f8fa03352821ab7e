import type { Keys } from './keys.js';
import { type Gap, Line } from './line.js';
import type { EtcdLink } from './link.js';
import { bytes, endOf, keysFrom } from './requests.js';

/** How many names one listing asks for. */
const NAMES = 500;

/** The lines of the queues that are watched, and how lines are filled. */
export class Lines {
  readonly #link: EtcdLink;
  readonly #keys: Keys;
  readonly #watched = new Map<string, Line>();
  readonly #filling = new Map<Line, Promise<void>>();

  constructor(link: EtcdLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** The line of a queue: where nobody tells of changes, one that knows nothing. */
  of(queue: string): Line {
    return this.#watched.get(queue) ?? new Line();
  }

  /** The queue is watched from now on: whatever its line knew may be wrong. */
  watched(queue: string): void {
    const line = this.#watched.get(queue);
    if (line === undefined) this.#watched.set(queue, new Line());
    else line.reset();
  }

  unwatched(queue: string): void {
    this.#watched.delete(queue);
  }

  changed(queue: string, tail: string): void {
    this.#watched.get(queue)?.changed(tail);
  }

  /** Up to `max` names of the queue that nobody here has tried; none: it has nothing, as far as anybody has told. */
  async take(queue: string, line: Line, max: number, skip: number): Promise<string[]> {
    for (;;) {
      const names = line.take(max, skip);
      if (names.length > 0) return names;
      const filling = this.#filling.get(line);
      if (filling !== undefined) {
        await filling;
        continue;
      }
      const gaps = line.gaps();
      if (gaps.length === 0) return names;
      const mine = this.#fill(queue, line, gaps).finally(() => this.#filling.delete(line));
      this.#filling.set(line, mine);
      await mine;
    }
  }

  async #fill(queue: string, line: Line, gaps: readonly Gap[]): Promise<void> {
    const prefix = this.#keys.messages(queue);
    const success = gaps.map(({ first, last, after }) => {
      const start = after === undefined ? `${prefix}${first}` : `${prefix}${after}\0`;
      const end = last === 9 ? endOf(prefix) : bytes(`${prefix}${last + 1}`);
      return keysFrom(start, end, NAMES);
    });
    try {
      const { responses } = await this.#link.txn(`listing queue '${queue}'`, { success });
      for (const [i, gap] of gaps.entries()) {
        const range = responses[i]?.response_range;
        const names = range?.kvs.map(({ key }) => key.toString('latin1', prefix.length));
        line.listed(gap, names ?? [], range?.more ?? false);
      }
    } catch (error) {
      for (const gap of gaps) line.listed(gap, undefined, false);
      throw error;
    }
  }
}
