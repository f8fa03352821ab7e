import { KombuError } from '@kombu/core';
import type { Collection, Document, FindCursor } from 'mongodb';
import type { MongodbLink } from './link.js';

/** How long the server may wait for a new document before it says that there is none. */
const AWAIT_MS = 10_000;
/** Documents in one reply. */
const BATCH = 1000;
/** The first pause before a cursor that died is opened again. */
const SHORTEST_PAUSE_MS = 20;

/** What follows a capped collection. */
export interface Tailed<T> {
  /** A document that came after this tail was started, in the order in which they were stored, each one once. */
  document(document: T): void;
  /** The collection is read from its start. */
  reopened?(): void;
  /** It was read to its end, and the last document that was told is not there any more; these are, and are told next. */
  missed?(old: readonly T[]): void;
  /** It cannot be followed as it is; the next tries are not told. */
  failed?(error: KombuError): void;
}

/**
 * Follows a capped collection from its newest document on, whatever ids the documents have: those of several writers do not grow in
 * the order in which they are stored. A cursor that dies is opened again; what was seen is skipped by looking for the last document
 * that was. Where that is gone already, all that is left is newer.
 */
export class Tail<T extends { readonly _id: unknown }> {
  readonly #link: MongodbLink;
  readonly #collection: Collection<T & Document>;
  readonly #listener: Tailed<T>;
  readonly #longestPauseMs: number;
  #last = '';
  #close: (() => void) | undefined;
  #state: 'running' | 'stopped' = 'running';

  /** @param longestPauseMs the longest pause before a cursor that died is opened again: some servers let each one die */
  constructor(link: MongodbLink, collection: Collection<T & Document>, listener: Tailed<T>, longestPauseMs: number) {
    this.#longestPauseMs = longestPauseMs;
    this.#link = link;
    this.#collection = collection;
    this.#listener = listener;
  }

  /** The last document that was told, or passed over. */
  get last(): string {
    return this.#last;
  }

  /** Resolves when what is stored from now on will be told. */
  async start(): Promise<void> {
    this.#last = await this.newest();
    void this.#follow();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#close?.();
  }

  /**
   * The newest document that there is now, '' where there is none. Nothing is put into an empty collection, though a cursor on one
   * is dead at once: Python counts what is there to know what to pass over.
   */
  async newest(): Promise<string> {
    const { collectionName: name } = this.#collection;
    const found = await this.#link.run(`looking into '${name}'`, () =>
      this.#collection.find({}, { sort: { $natural: -1 }, limit: 1, projection: { _id: 1 } }).toArray(),
    );
    return found[0] === undefined ? '' : String(found[0]._id);
  }

  async #follow(): Promise<void> {
    let pause = SHORTEST_PAUSE_MS;
    let failing = false;
    while (this.#state === 'running' && this.#link.isOpen) {
      const before = this.#last;
      try {
        await this.#link.background(`following '${this.#collection.collectionName}'`, () => this.#read());
        failing = false;
      } catch (error) {
        // A cursor that was lost, as after a restart, is opened again; where the link is lost too, the loop ends.
        if (!failing && this.#link.isOpen && KombuError.is(error) && !error.retryable) this.#listener.failed?.(error);
        failing = true;
      }
      pause = before === this.#last ? Math.min(pause * 2, this.#longestPauseMs) : SHORTEST_PAUSE_MS;
      if (this.#state === 'running' && this.#link.isOpen) await this.#rest(pause);
    }
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#close = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Reads until the cursor is dead. */
  async #read(): Promise<void> {
    const cursor = this.#collection.find(
      {},
      { tailable: true, awaitData: true, maxAwaitTimeMS: AWAIT_MS, batchSize: BATCH },
    );
    const close = () => cursor.close().catch(() => {});
    this.#close = () => void close();
    this.#listener.reopened?.();
    try {
      await this.#tellAll(cursor);
    } finally {
      await close();
    }
  }

  async #tellAll(cursor: FindCursor<Document>): Promise<void> {
    /** What comes before the last one that was seen; undefined once that was passed. */
    let old: T[] | undefined = this.#last === '' ? undefined : [];
    while (this.#state === 'running') {
      const document = (await cursor.tryNext()) as T | null;
      if (this.#state !== 'running') return;
      if (document === null) {
        if (old !== undefined) this.#listener.missed?.(old);
        for (const one of old ?? []) this.#tell(one);
        old = undefined;
        if (cursor.closed) return;
        continue;
      }
      if (old === undefined) this.#tell(document);
      else if (String(document._id) === this.#last) old = undefined;
      else old.push(document);
    }
  }

  #tell(document: T): void {
    this.#last = String(document._id);
    this.#listener.document(document);
  }
}
