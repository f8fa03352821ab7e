import { PRIORITIES } from './message-name.js';

/** A part of a queue to list: from the name after `after`, or the first of rank `first`, to the last of rank `last`. */
export interface Gap {
  readonly first: number;
  readonly last: number;
  readonly after: string | undefined;
  /** How often the line had been reset: what was listed before that is of no use any more. */
  readonly resets: number;
}

/** What one rank of a queue is known to have. */
interface Rank {
  names: string[];
  /** Index of the first name that nobody here has tried. */
  head: number;
  /** The last name that was listed. */
  after: string | undefined;
  /** `open`: there may be more than was listed. */
  state: 'open' | 'listed';
}

const EVERYTHING = '*';

/**
 * The names of messages of one queue that may be ready, in the order of serving, and how far the queue was listed: a name is listed
 * and tried once, however many messages stand before it that others have claimed. New ones come behind; whatever comes back to
 * another place makes the whole queue to be listed anew.
 */
export class Line {
  readonly #ranks: Rank[] = [];
  #resets = -1;

  constructor() {
    this.reset();
  }

  /** Nothing is known. */
  reset(): void {
    this.#resets++;
    this.#ranks.length = 0;
    for (let i = 0; i < PRIORITIES; i++) this.#ranks.push({ names: [], head: 0, after: undefined, state: 'open' });
  }

  /** Takes in what the queue's tail says: the ranks that have got messages, or that everything is to be listed anew. */
  changed(tail: string): void {
    if (tail.includes(EVERYTHING)) this.reset();
    else for (const rank of tail) this.#mark(Number(rank), 'open');
  }

  /** Up to `max` names, of the best rank that has any; none: see `gaps`. With `skip` not the first ones. */
  take(max: number, skip = 0): string[] {
    const taken: string[] = [];
    for (const rank of this.#ranks) {
      const left = rank.names.length - rank.head;
      if (left > 0) {
        const want = max - taken.length;
        const from = rank.head + Math.max(0, Math.min(skip, left - want));
        if (from === rank.head) {
          taken.push(...rank.names.slice(from, from + want));
          rank.head = Math.min(rank.names.length, from + want);
        } else taken.push(...rank.names.splice(from, want));
        if (rank.head === rank.names.length) {
          rank.names = [];
          rank.head = 0;
        }
      }
      if (taken.length === max || rank.state === 'open') break;
    }
    return taken;
  }

  /** What has to be listed before anything can be taken; it counts as listed from now on. */
  gaps(): Gap[] {
    const gaps: Gap[] = [];
    for (let first = 0; first < PRIORITIES; first++) {
      const rank = this.#ranks[first];
      if (rank === undefined || rank.state === 'listed') continue;
      let last = first;
      for (let next = this.#ranks[last + 1]; next !== undefined; next = this.#ranks[last + 1]) {
        if (next.state === 'listed' || next.after !== undefined) break;
        last++;
      }
      for (let i = first; i <= last; i++) this.#mark(i, 'listed');
      gaps.push({ first, last, after: rank.after, resets: this.#resets });
      first = last;
    }
    return gaps;
  }

  /** Takes in the names of a gap, but those that are claimed; `more`: there are more. Undefined: listing it failed. */
  listed(gap: Gap, names: readonly string[] | undefined, claimed: ReadonlySet<string>, more: boolean): void {
    if (gap.resets !== this.#resets) return;
    if (names === undefined) {
      for (let i = gap.first; i <= gap.last; i++) this.#mark(i, 'open');
      return;
    }
    for (const name of names) {
      const rank = this.#ranks[Number(name[0])];
      if (rank === undefined) continue;
      if (!claimed.has(name)) rank.names.push(name);
      rank.after = name;
    }
    const reached = Number(names.at(-1)?.[0] ?? gap.first);
    if (more) for (let i = reached; i <= gap.last; i++) this.#mark(i, 'open');
  }

  #mark(index: number, state: Rank['state']): void {
    const rank = this.#ranks[index];
    if (rank !== undefined) rank.state = state;
  }
}
