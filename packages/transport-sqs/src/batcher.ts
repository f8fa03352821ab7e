import { KombuError } from '@kombu/core';
import { pause } from './retry.js';

/** When a call has taken so long, nobody waits for it any more. */
const LATE_MS = 100;
/** How often an entry is sent that the service could not take. */
const TRIES = 4;

/** How a {@link Batcher} sends. */
export interface BatchRules<T> {
  /** Sends at most `most` items; resolves with the error of each item that failed, by its index. Rejects when all did. */
  send(items: readonly T[]): Promise<ReadonlyMap<number, KombuError>>;
  /** Bytes of an item; a batch has at most `mostBytes`, or one item. */
  size?(item: T): number;
  readonly most: number;
  readonly mostBytes?: number;
  /** How many batches may be in the air at once; 1 keeps their order. */
  readonly parallel: number;
}

interface Waiting<T> {
  readonly item: T;
  readonly bytes: number;
  readonly done: (error: KombuError | undefined) => void;
  tries: number;
}

/**
 * Sends what is asked for in as few calls as that takes without making anybody wait for a timer: alone if nothing is in the
 * air, else together with what comes until a batch is full or an answer is there.
 */
export class Batcher<T> {
  readonly #rules: BatchRules<T>;
  #waiting: Waiting<T>[] = [];
  #inAir = 0;
  #sentAt = 0;
  /** Taken and not done. */
  readonly #pending = new Set<Waiting<T>>();
  #listeners: { readonly left: Set<Waiting<T>>; readonly resolve: () => void }[] = [];

  constructor(rules: BatchRules<T>) {
    this.#rules = rules;
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** Takes an item; `flush` has to follow. `done` is called once. */
  add(item: T, done: (error: KombuError | undefined) => void): void {
    const one = { item, bytes: this.#rules.size?.(item) ?? 0, done, tries: 0 };
    this.#pending.add(one);
    this.#waiting.push(one);
  }

  /** Sends what can be sent now. */
  flush(): void {
    while (this.#waiting.length > 0 && this.#isTime()) {
      this.#inAir++;
      this.#sentAt = performance.now();
      void this.#send(this.#take()).then(() => {
        this.#inAir--;
        this.flush();
      });
    }
  }

  /** Resolves when everything that was taken until now is done; undefined: it is. */
  drained(): Promise<void> | undefined {
    if (this.#pending.size === 0) return undefined;
    return new Promise((resolve) => this.#listeners.push({ left: new Set(this.#pending), resolve }));
  }

  #isTime(): boolean {
    if (this.#inAir === 0) return true;
    const { most, parallel } = this.#rules;
    if (this.#inAir >= parallel) return false;
    return this.#waiting.length >= most || performance.now() - this.#sentAt > LATE_MS;
  }

  #take(): Waiting<T>[] {
    const { most, mostBytes = Number.POSITIVE_INFINITY } = this.#rules;
    let bytes = 0;
    let count = 0;
    for (const one of this.#waiting) {
      bytes += one.bytes;
      if (count >= most || (count > 0 && bytes > mostBytes)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #done(one: Waiting<T>, error: KombuError | undefined): void {
    this.#pending.delete(one);
    one.done(error);
    if (this.#listeners.length === 0) return;
    this.#listeners = this.#listeners.filter(({ left, resolve }) => {
      left.delete(one);
      if (left.size === 0) resolve();
      return left.size > 0;
    });
  }

  /** Never rejects. */
  async #send(batch: readonly Waiting<T>[]): Promise<void> {
    const again: Waiting<T>[] = [];
    try {
      const failures = await this.#rules.send(batch.map(({ item }) => item));
      for (const [i, one] of batch.entries()) {
        const error = failures.get(i);
        one.tries++;
        // Where the order counts, what came behind it has been stored.
        const retry = KombuError.is(error, 'ERR_KOMBU_BROKER_BUSY') && one.tries < TRIES && this.#rules.parallel > 1;
        if (retry) again.push(one);
        else this.#done(one, error);
      }
    } catch (error) {
      for (const one of batch) this.#done(one, error as KombuError);
    }
    if (again.length === 0) return;
    await pause(again[0]?.tries ?? 1);
    this.#waiting.unshift(...again);
  }
}
