import type { Keys } from './keys.js';
import { type Gap, Line } from './line.js';
import type { EtcdLink } from './link.js';
import { bytes, endOf, keysFrom } from './requests.js';

/** How many names one listing asks for. */
const NAMES = 500;
const NOBODY: ReadonlySet<string> = new Set();

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

  /** Whether any queue is watched. */
  get isWatching(): boolean {
    return this.#watched.size > 0;
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

  /** Lists names, those that are claimed left out: when they come back, the tail says so. */
  async #fill(queue: string, line: Line, gaps: readonly Gap[]): Promise<void> {
    const messages = this.#keys.messages(queue);
    const claims = this.#keys.claims(queue);
    const list = (prefix: string, { first, last, after }: Gap, limit: number) => {
      const start = after === undefined ? `${prefix}${first}` : `${prefix}${after}\0`;
      return keysFrom(start, last === 9 ? endOf(prefix) : bytes(`${prefix}${last + 1}`), limit);
    };
    const success = gaps.flatMap((gap) => [list(messages, gap, NAMES), list(claims, gap, NAMES)]);
    try {
      const { responses } = await this.#link.txn(`listing queue '${queue}'`, { success });
      for (const [i, gap] of gaps.entries()) {
        const [found, claimed] = [responses[2 * i]?.response_range, responses[2 * i + 1]?.response_range];
        const held = new Set(claimed?.kvs.map(({ key }) => key.toString('latin1', claims.length)));
        const names = (found?.kvs ?? []).map(({ key }) => key.toString('latin1', messages.length));
        line.listed(gap, names, held, found?.more ?? false);
      }
    } catch (error) {
      for (const gap of gaps) line.listed(gap, undefined, NOBODY, false);
      throw error;
    }
  }
}
