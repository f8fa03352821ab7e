import assert from 'node:assert/strict';
import type { Message } from '@kombu/core';
import { within } from './wait.js';

/** What every message of the suite carries. */
export interface Numbered {
  readonly id: string;
}

/** Makes `n` different ids. */
export function ids(n: number, prefix = 'm'): string[] {
  return Array.from({ length: n }, (_, i) => `${prefix}${i}`);
}

/** The id of a message of the suite. */
export function idOf(message: Message): string {
  const payload = message.payload as Partial<Numbered> | null;
  if (typeof payload?.id !== 'string') throw new Error(`a message without an id: ${JSON.stringify(payload)}`);
  return payload.id;
}

/**
 * Remembers which messages came, and how often. Losing one is always a failure; getting one twice is, unless the transport
 * says that it may happen, or the case made something fail.
 */
export class Collector {
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  readonly #exactlyOnce: boolean;
  readonly #waitMs: number;
  /** Every arrival, in order, doubles included. */
  readonly arrivals: string[] = [];
  /** The messages themselves, for a case that settles them later. */
  readonly messages: Message[] = [];

  constructor(o: { readonly exactlyOnce: boolean; readonly waitMs: number }) {
    this.#exactlyOnce = o.exactlyOnce;
    this.#waitMs = o.waitMs;
  }

  /** A handler that records and acknowledges. */
  readonly ack = async (message: Message): Promise<void> => {
    this.add(message);
    await message.ack();
  };

  /** A handler that records and leaves the message unsettled. */
  readonly hold = (message: Message): void => {
    this.add(message);
  };

  /** Records a message; returns its id. */
  add(message: Message): string {
    const id = idOf(message);
    this.messages.push(message);
    this.note(id);
    return id;
  }

  /** Records an id that came another way. */
  note(id: string): void {
    this.arrivals.push(id);
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    for (const wake of this.#waiting) wake();
  }

  /** How many different ids came. */
  get size(): number {
    return this.#counts.size;
  }

  /** Whether it came. */
  has(id: string): boolean {
    return this.#counts.has(id);
  }

  /** Different ids in the order of their first arrival. */
  get distinct(): string[] {
    return [...this.#counts.keys()];
  }

  /** Waits for so many different ids, or for these ids. */
  async waitFor(wanted: number | readonly string[], ms = this.#waitMs): Promise<void> {
    const done = (): boolean => (typeof wanted === 'number' ? this.size >= wanted : wanted.every((id) => this.has(id)));
    if (done()) return;
    let wake: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => {
      wake = () => {
        if (done()) resolve();
      };
      this.#waiting.add(wake);
    });
    const total = typeof wanted === 'number' ? wanted : wanted.length;
    try {
      await within(arrived, ms, `${total} messages`);
    } catch (error) {
      throw new Error(`${this.#missing(wanted)}: not within ${ms} ms`, { cause: error });
    } finally {
      if (wake !== undefined) this.#waiting.delete(wake);
    }
  }

  #missing(wanted: number | readonly string[]): string {
    if (typeof wanted === 'number') return `${this.size} of ${wanted} messages came`;
    const lost = wanted.filter((id) => !this.has(id));
    return `${lost.length} of ${wanted.length} messages did not come (${lost.slice(0, 5).join(', ')})`;
  }

  /** Shows that exactly these came. With `faults`, doubles are allowed whatever the transport says. */
  assertExactly(expected: readonly string[], o: { readonly faults?: boolean } = {}): void {
    const lost = expected.filter((id) => !this.has(id));
    assert.equal(lost.length, 0, `lost ${lost.length} of ${expected.length}: ${lost.slice(0, 5).join(', ')}`);
    const known = new Set(expected);
    const strange = this.distinct.filter((id) => !known.has(id));
    assert.deepEqual(strange, [], 'messages that nobody sent here');
    if (!this.#exactlyOnce || o.faults === true) return;
    const doubled = [...this.#counts].filter(([, n]) => n > 1).map(([id]) => id);
    assert.deepEqual(doubled, [], 'messages that came twice, though the transport says exactly-once');
  }
}
