import type { Layout } from './layout.js';
import type { ConsulLink } from './link.js';
import { foreignOrder, parseName } from './message-name.js';
import { type Listing, listQueue, readClaims } from './queue-listing.js';
import type { Entry } from './transactions.js';

/** A listing of so many names costs next to nothing, and is made anew whenever something has changed. */
export const SMALL = 128;
/** A long listing is made anew at most so often: listing takes no more than this part of the time. */
const SHARE = 20;
/** For so many reserves after a conflict the claims of others are looked at first. */
const CAREFUL = 20;

/**
 * What one link knows of a queue: the names that are ready, as of the last listing. Names that were handed out are left out until
 * they come back, so that two calls of one link never take the same.
 */
export class QueueView {
  readonly #link: Link;
  readonly #queue: string;
  /** Ours in the order they are to be taken in, and Python's in the order of their own names. */
  #own: string[] = [];
  #foreign: string[] = [];
  #ownAt = 0;
  #foreignAt = 0;
  #foreignsTurn = false;
  /** What this link holds, or is about to. */
  readonly #held = new Set<string>();
  /** What this link has removed while a listing was under way, which may still have it. */
  readonly #gone = new Set<string>();
  #state: 'stale' | 'fresh' = 'stale';
  /** Whether somebody tells of changes: nobody; somebody who is having a rest; or at once. */
  told: 'never' | 'later' | 'at once' = 'never';
  #careful = 0;
  #listedAt = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  #listing: Promise<void> | undefined;

  constructor(link: Link, queue: string) {
    this.#link = link;
    this.#queue = queue;
  }

  /** How many names are ready, as far as is known. */
  get length(): number {
    return this.#own.length - this.#ownAt + (this.#foreign.length - this.#foreignAt);
  }

  /** Nothing is in anybody's hands and nobody watches: the view can be forgotten. */
  get isIdle(): boolean {
    return this.#held.size === 0 && this.told === 'never' && this.#listing === undefined;
  }

  /** Something has changed in the store. */
  changed(): void {
    this.#state = 'stale';
  }

  /** Somebody else was quicker. */
  conflict(): void {
    this.#careful = CAREFUL;
  }

  /** Sees to it that what is ready is known well enough to be taken. */
  async prepare(signal?: AbortSignal): Promise<void> {
    const isKnown = this.told === 'at once' || (this.told === 'later' && this.length > 0);
    if (!isKnown || (this.#state === 'stale' && this.#mayList())) await this.refresh(signal);
    else if (this.#careful > 0 && this.length > 0) {
      this.#careful--;
      await this.leaveOutClaims(signal);
    }
  }

  #mayList(): boolean {
    if (this.length <= SMALL) return true;
    return performance.now() - this.#listedAt > this.#tookMs * SHARE;
  }

  /** Lists the queue anew; those who ask while a listing is under way that began after their change share the next one. */
  async refresh(signal?: AbortSignal): Promise<void> {
    while (this.#listing !== undefined) {
      await this.#listing.catch(() => {});
      if (this.told === 'at once' && this.#state === 'fresh') return;
    }
    this.#listing = this.#list(signal).finally(() => {
      this.#listing = undefined;
    });
    await this.#listing;
  }

  async #list(signal: AbortSignal | undefined): Promise<void> {
    const { link, layout } = this.#link;
    this.#state = 'fresh';
    const begun = performance.now();
    try {
      const listing = await listQueue(link, layout, this.#queue, signal);
      const locked = await this.#lockedOf(listing, signal);
      this.#take(
        listing.messages.filter((name) => !locked.has(name) && !this.#held.has(name) && !this.#gone.has(name)),
      );
    } catch (error) {
      this.#state = 'stale';
      throw error;
    } finally {
      this.#gone.clear();
    }
    this.#listedAt = performance.now();
    this.#tookMs = this.#listedAt - begun;
  }

  #take(names: readonly string[]): void {
    this.#own = [];
    this.#foreign = [];
    for (const name of names) (parseName(name) === undefined ? this.#foreign : this.#own).push(name);
    // Consul lists in the order of bytes: ours need no sorting.
    this.#foreign.sort(foreignOrder);
    this.#ownAt = 0;
    this.#foreignAt = 0;
  }

  /** Messages that somebody else has; only where there are claims that are not this link's does that have to be read. */
  async #lockedOf(listing: Listing, signal: AbortSignal | undefined): Promise<ReadonlySet<string>> {
    const locked = new Set<string>();
    if (listing.claims.every((name) => this.#held.has(name) || this.#gone.has(name))) return locked;
    const { link, layout } = this.#link;
    const messages = new Set(listing.messages);
    for (const [name, claim] of await readClaims(link, layout, this.#queue, signal)) {
      if (claim.Session !== undefined) locked.add(name);
      // Python has taken the message since its holder died.
      else if (!messages.has(name)) this.#removeClaim(claim);
    }
    return locked;
  }

  /** Removes what is left of a claim. Where it does not succeed, the next listing tries again. */
  #removeClaim({ Key: key, ModifyIndex: cas }: Entry): void {
    const { kv } = this.#link.link.client;
    this.#link.link.call('removing a claim', (o) => kv.del({ key, cas, ...o } as never)).catch(() => {});
  }

  /** Leaves out what others have claimed since the listing. */
  async leaveOutClaims(signal?: AbortSignal): Promise<void> {
    const { link, layout } = this.#link;
    const claims = await readClaims(link, layout, this.#queue, signal);
    const isFree = (name: string): boolean => claims.get(name)?.Session === undefined && !this.#held.has(name);
    this.#own = this.#own.slice(this.#ownAt).filter(isFree);
    this.#foreign = this.#foreign.slice(this.#foreignAt).filter(isFree);
    this.#ownAt = 0;
    this.#foreignAt = 0;
  }

  /** Takes names out, the first ones first. They are held until `released` or `settled`. */
  takeNames(max: number): readonly string[] {
    const names: string[] = [];
    while (names.length < max) {
      const name = this.#next();
      if (name === undefined) break;
      this.#held.add(name);
      names.push(name);
    }
    return names;
  }

  /** Python's have no priority: they and those of ours that have none take turns, so that none of them waits for ever. */
  #next(): string | undefined {
    const own = this.#own[this.#ownAt];
    const foreign = this.#foreign[this.#foreignAt];
    if (own === undefined && foreign === undefined) return undefined;
    if (foreign !== undefined && (own === undefined || (own.startsWith('9') && this.#foreignsTurn))) {
      this.#foreignAt++;
      this.#foreignsTurn = false;
      return foreign;
    }
    this.#ownAt++;
    this.#foreignsTurn = true;
    return own;
  }

  /** Takes those names out that `wanted` wants. */
  takeOnly(max: number, wanted: (name: string) => boolean): readonly string[] {
    const names: string[] = [];
    const keep = (name: string): boolean => {
      if (names.length >= max || !wanted(name)) return true;
      this.#held.add(name);
      names.push(name);
      return false;
    };
    this.#own = this.#own.slice(this.#ownAt).filter(keep);
    this.#ownAt = 0;
    return names;
  }

  /** The names that are ready, the first ones first. */
  *names(): Iterable<string> {
    for (let i = this.#ownAt; i < this.#own.length; i++) yield this.#own[i] as string;
    for (let i = this.#foreignAt; i < this.#foreign.length; i++) yield this.#foreign[i] as string;
  }

  /** A name is not held any more: it is ready again, or somebody else's. */
  released(name: string): void {
    this.#held.delete(name);
    this.#state = 'stale';
  }

  /** A name is no more. */
  settled(name: string): void {
    this.#held.delete(name);
    if (this.#listing !== undefined) this.#gone.add(name);
  }
}

interface Link {
  readonly link: ConsulLink;
  readonly layout: Layout;
}
