import type { ChannelEvents } from '@kombu/core';
import type { LinkCore } from '../link/link-core.js';

/** A consumer that may keep deliveries back until there is room for them. */
export interface Backlogged {
  handBacklog(): void;
}

/** What the parts of one level-1 channel share. */
export class ChannelCore {
  readonly link: LinkCore;
  readonly events: ChannelEvents;
  /** Every consumer that may have something in its backlog. */
  readonly backlogged = new Set<Backlogged>();
  /** Deliveries that were handed over and are not settled. */
  handed = 0;
  /** How many of these there may be; 0: no limit. */
  #prefetch = 0;
  #tag = 0;
  #handing: 'idle' | 'scheduled' = 'idle';

  constructor(link: LinkCore, events: ChannelEvents) {
    this.link = link;
    this.events = events;
  }

  /** The next delivery tag: deliveries of all consumers of a channel are numbered together. */
  nextTag(): number {
    return ++this.#tag;
  }

  get prefetch(): number {
    return this.#prefetch;
  }

  set prefetch(prefetch: number) {
    this.#prefetch = prefetch;
    this.gaveRoom();
  }

  /** Whether one more delivery may be handed over. */
  hasRoom(): boolean {
    return this.#prefetch === 0 || this.handed < this.#prefetch;
  }

  /** A delivery was settled: somebody who waits may have his turn, after the caller is done. */
  gaveRoom(): void {
    if (this.backlogged.size === 0 || this.#handing === 'scheduled') return;
    this.#handing = 'scheduled';
    queueMicrotask(() => {
      this.#handing = 'idle';
      for (const consumer of [...this.backlogged]) consumer.handBacklog();
    });
  }

  /** The prefetch to ask the broker for, for a consumer that may hold `prefetch`. */
  serverPrefetch(prefetch: number): number {
    if (this.#prefetch === 0) return prefetch;
    return prefetch === 0 ? this.#prefetch : Math.min(prefetch, this.#prefetch);
  }
}
