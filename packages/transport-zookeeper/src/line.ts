import type { Listing, ZookeeperLink } from './link.js';
import type { Paths } from './paths.js';
import { compareEntries } from './paths.js';

/** So few names are listed whenever a message is wanted: it costs no more than asking whether there are new ones. */
const FEW = 100;
/** Listing a long queue again for the sake of new entries may take this part of the time. */
const LISTING_SHARE = 10;

/** What a line tells of its queue. */
export interface LineEvents {
  /** The queue has changed since it was listed. */
  changed(queue: string): void;
  /** The queue's znode is not there. */
  gone(queue: string): void;
}

/**
 * The entries of one queue that wait, in order, as far as this link knows. A long list is not read again for every message: names are
 * taken off it, and what was taken by others shows when it is tried. That there are new entries, the counters of the queue's znode
 * tell.
 */
export class Line {
  readonly #link: ZookeeperLink;
  readonly #path: string;
  readonly #queue: string;
  readonly #events: LineEvents;
  readonly #now: () => number;
  #names: string[] = [];
  /** How many entries were ever put into the queue, as of the last listing. */
  #puts = -1;
  #epoch = '';
  #listedAt = 0;
  #listingMs = 0;
  #watching = false;
  #changes = 0;
  #state: 'known' | 'unknown' = 'unknown';

  constructor(link: ZookeeperLink, paths: Paths, queue: string, events: LineEvents, now: () => number) {
    this.#link = link;
    this.#path = paths.queue(queue);
    this.#queue = queue;
    this.#events = events;
    this.#now = now;
  }

  /** The names as they are known, first ones first. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Names the queue's znode among all that were ever made at its path: in each of them entries are counted from 0. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Whether the next change will be told. */
  get isWatching(): boolean {
    return this.#watching;
  }

  /** A change that this link has made itself is to be seen by the next look. */
  forget(): void {
    this.#state = 'unknown';
    this.#changes++;
  }

  /** Entries that are not there any more, or are ours now. */
  drop(names: readonly string[]): void {
    const first = names[0];
    if (first === undefined) return;
    // Nearly always they are the first ones, in order.
    const at = this.#names[0] === first ? 0 : this.#names.indexOf(first);
    if (at >= 0 && names.every((name, i) => this.#names[at + i] === name)) this.#names.splice(at, names.length);
    else {
      const gone = new Set(names);
      this.#names = this.#names.filter((name) => !gone.has(name));
    }
  }

  /** Reads the names. With `watch` the next change is told, whoever makes it. */
  async list(watch: boolean): Promise<void> {
    const before = this.#now();
    const changes = this.#changes;
    const arm = watch && !this.#watching;
    if (arm) this.#watching = true;
    let listing: Listing | undefined;
    try {
      listing = await this.#link.list(this.#path, arm ? this.#fired : undefined);
    } catch (error) {
      if (arm) this.#watching = false;
      throw error;
    }
    if (listing === undefined) {
      this.#watching = false;
      this.#names = [];
      this.#state = 'unknown';
      this.#events.gone(this.#queue);
      return;
    }
    this.#names = listing.names.sort(compareEntries);
    this.#puts = putsOf(listing.stat);
    this.#epoch = listing.stat.czxid.toString('hex');
    this.#state = changes === this.#changes ? 'known' : 'unknown';
    this.#listedAt = this.#now();
    this.#listingMs = this.#listedAt - before;
  }

  /** Reads the names as of now, whichever server of an ensemble answers. */
  async listNow(): Promise<void> {
    await Promise.all([this.#link.sync(this.#path), this.list(false)]);
  }

  /** Whether the names have to be read before anything is taken. */
  get isShort(): boolean {
    return this.#state === 'unknown' || this.#names.length < FEW;
  }

  /** Asks whether there are entries that are not known, and lists the queue again where it is worth it. */
  async refresh(): Promise<void> {
    const stat = await this.#link.stat(this.#path);
    if (stat !== undefined && putsOf(stat) === this.#puts) return;
    if (stat === undefined || this.#now() - this.#listedAt >= this.#listingMs * LISTING_SHARE) await this.list(false);
  }

  readonly #fired = (event: { readonly type: number }): void => {
    this.#watching = false;
    if (event.type === NODE_DELETED) this.#events.gone(this.#queue);
    else this.#events.changed(this.#queue);
  };
}

/** ZooKeeper's number for the event that a znode was removed. */
const NODE_DELETED = 2;

/** How many children a znode has ever been given: its `cversion` counts those that came and those that went. */
function putsOf(stat: { readonly cversion: number; readonly numChildren: number }): number {
  return (stat.cversion + stat.numChildren) / 2;
}
