import type { TransportContext } from '@kombu/core';
import type { KeyValueTopology } from '@kombu/core/virtual';
import type { Keys } from './keys.js';
import type { Lines } from './lines.js';
import type { EtcdLink } from './link.js';
import type { Session } from './session.js';
import type { Watcher } from './watcher.js';

/** What all parts of one driver share. */
export interface DriverContext {
  readonly link: EtcdLink;
  readonly keys: Keys;
  readonly session: Session;
  readonly transport: TransportContext;
  readonly watcher: Watcher;
  readonly topology: KeyValueTopology;
  /** What is known of the messages of queues that are watched. */
  readonly lines: Lines;
  readonly claims: ClaimBook;
  readonly order: SettleOrder;
}

/** What this session has claimed, as far as it is known. */
export class ClaimBook {
  /** Queues that the server knows this session to have, or have had, claims in. */
  readonly queues = new Set<string>();
  /** The revisions of the claims that were answered, by their keys. */
  readonly #revisions = new Map<string, string>();
  readonly #asked = new Set<Promise<unknown>>();
  #withdrawal: Promise<unknown> | undefined;
  #state: 'certain' | 'uncertain' = 'certain';

  claimed(key: string, revision: string): void {
    this.#revisions.set(key, revision);
  }

  settled(key: string, revision: string): void {
    if (this.holds(key, revision)) this.#revisions.delete(key);
  }

  /** Whether this session has made the claim, in the revision where one is given, and not settled it. */
  holds(key: string, revision?: string): boolean {
    const known = this.#revisions.get(key);
    return known !== undefined && (revision === undefined || known === revision);
  }

  /** The server has not answered: some of what was asked for may have been done. */
  unanswered(): void {
    this.#state = 'uncertain';
  }

  /** Nothing is claimed, for certain. */
  get isEmpty(): boolean {
    return this.#state === 'certain' && this.#revisions.size === 0;
  }

  /** Asks for claims, while nothing is withdrawn. */
  async ask<T>(work: () => Promise<T>): Promise<T> {
    while (this.#withdrawal !== undefined) await this.#withdrawal;
    const asked = work();
    const done = asked.catch(() => {});
    this.#asked.add(done);
    void done.then(() => this.#asked.delete(done));
    return asked;
  }

  /** Does `work` while no claim is asked for. */
  async withdraw(work: () => Promise<void>): Promise<void> {
    while (this.#withdrawal !== undefined) await this.#withdrawal;
    const withdrawal = Promise.all(this.#asked).then(work);
    const done = withdrawal.catch(() => {});
    this.#withdrawal = done;
    void done.then(() => {
      this.#withdrawal = undefined;
    });
    await withdrawal;
  }
}

/** What is given back comes before what is asked for next: calls of one link may overtake each other on their way. */
export class SettleOrder {
  #last: Promise<unknown> | undefined;

  /** Messages are on their way back. */
  settling(answer: Promise<unknown>): void {
    const last = Promise.allSettled([this.#last, answer]);
    this.#last = last;
    void last.then(() => {
      if (this.#last === last) this.#last = undefined;
    });
  }

  /** Resolves when everything that was given back so far is back. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
