import { randomBytes } from 'node:crypto';

/** What the name of one of our messages says. */
export interface MessageName {
  readonly priority: number;
  /** Size of the body in bytes. */
  readonly bytes: number;
  /** Wall-clock milliseconds. */
  readonly expiresAt: number | undefined;
  readonly redelivered: boolean;
}

const OURS = /^([0-9])-\d{15}-\d{6}-([0-9a-z]+)-([0-9a-z]+)-[0-9a-f]{8}(-r)?$/;

/** Reads a name; undefined: it is not one of ours, so Python's. */
export function parseName(name: string): MessageName | undefined {
  const found = OURS.exec(name);
  if (found === null) return undefined;
  const [, rank, bytes = '', expires = '', again] = found;
  const expiresAt = Number.parseInt(expires, 36);
  return {
    priority: 9 - Number(rank),
    bytes: Number.parseInt(bytes, 36),
    expiresAt: expiresAt === 0 ? undefined : expiresAt,
    redelivered: again !== undefined,
  };
}

/** The number that Python's names begin with; the clock of whoever published, in milliseconds. */
export function foreignOrder(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}

/**
 * Gives messages names that sort by priority and then in the order of publishing. The order is the server's: each name holds the
 * index of the store as it was before the message was written. Whatever was confirmed before, by whichever process, has a lower
 * one; what this link writes at the same index is counted.
 */
export class NameGiver {
  /** Tells names from those that others give at the same index. */
  readonly #id = randomBytes(4).toString('hex');
  #index = 0;
  #count = 0;

  /** The server's index, read after this message was asked for. An index that goes back (a restored store) is not followed. */
  at(index: number): void {
    if (index <= this.#index) return;
    this.#index = index;
    this.#count = 0;
  }

  give(message: MessageName): string {
    if (++this.#count > 999_999) this.at(this.#index + 1);
    const index = String(this.#index).padStart(15, '0');
    const count = String(this.#count).padStart(6, '0');
    const bytes = message.bytes.toString(36);
    const expires = Math.ceil(message.expiresAt ?? 0).toString(36);
    return `${9 - message.priority}-${index}-${count}-${bytes}-${expires}-${this.#id}${message.redelivered ? '-r' : ''}`;
  }
}
