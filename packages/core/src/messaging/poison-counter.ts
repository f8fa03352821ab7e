import { createHash } from 'node:crypto';
import type { Clock } from '../util/clock.js';
import type { Message } from './message.js';

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
const REMEMBERED = 1000;
const FORGOTTEN_AFTER_MS = 10 * LONGEST_DELAY_MS;

/**
 * How often messages failed one time after the other, although a redelivered message has a new delivery tag on most brokers: a
 * message is known by its queue, route, ids and bytes. Two messages that are equal in all of that share a count.
 */
export class PoisonCounter {
  readonly #clock: Clock;
  readonly #failed = new Map<string, { count: number; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many messages are known to fail. */
  get size(): number {
    return this.#failed.size;
  }

  /** Counts a failure; returns how long to wait before the message is tried again: 1 s, 2 s, 4 s ... 60 s. */
  count(message: Message): number {
    const key = fingerprint(message);
    const now = this.#clock.monotonic();
    const before = this.#failed.get(key);
    const count = before === undefined || now - before.at > FORGOTTEN_AFTER_MS ? 1 : before.count + 1;
    this.#failed.delete(key);
    this.#failed.set(key, { count, at: now });
    if (this.#failed.size > REMEMBERED) this.#failed.delete(this.#failed.keys().next().value as string);
    return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(count - 1, 10));
  }

  /** The message was handled after all. */
  forget(message: Message): void {
    this.#failed.delete(fingerprint(message));
  }
}

function fingerprint(message: Message): string {
  const { queue, exchange, routingKey, properties } = message.delivery;
  const hash = createHash('sha256');
  for (const part of [queue, exchange, routingKey, properties.messageId, properties.correlationId]) {
    hash.update(`${part}\0`);
  }
  try {
    hash.update(message.delivery.body);
  } catch {
    // A body that cannot even be read from its envelope: the rest has to do.
  }
  return hash.digest('base64');
}
