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

/** What this session has claimed, as far as it has to be known when it ends. */
export class ClaimBook {
  /** Queues that the server knows this session to have, or have had, claims in. */
  readonly queues = new Set<string>();
  #open = 0;
  #state: 'certain' | 'uncertain' = 'certain';

  claimed(count: number): void {
    this.#open += count;
  }

  settled(count: number): void {
    this.#open -= count;
  }

  /** The server has not answered: some of what was asked for may have been done. */
  unanswered(): void {
    this.#state = 'uncertain';
  }

  /** Nothing is claimed, for certain. */
  get isEmpty(): boolean {
    return this.#state === 'certain' && this.#open === 0;
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
