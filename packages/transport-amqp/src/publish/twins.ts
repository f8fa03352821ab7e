import type { Return } from '../wire/frame-reader.js';
import type { ContentHeader } from '../wire/properties.js';
import type { Pending } from './pending.js';

/** The properties that tell messages with the same body and headers apart. */
const TELLING = [
  'messageId',
  'correlationId',
  'replyTo',
  'timestamp',
  'type',
  'appId',
  'priority',
  'expiration',
] as const;

/** What a message is like, as its publisher knows it and as the broker sends it back. */
interface Likeness {
  readonly exchange: string;
  readonly routingKey: string;
  readonly contentType: string | undefined;
  readonly properties: { readonly [name in (typeof TELLING)[number]]?: unknown };
  readonly body: Uint8Array;
  readonly table: Uint8Array | undefined;
}

function likeness({ message, route, table }: Pending): Likeness {
  const { exchange, routingKey } = route;
  return {
    exchange,
    routingKey,
    contentType: message.contentType,
    properties: message.properties,
    body: message.body,
    table,
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const quick = Math.min(a.length, 64);
  for (let i = 0; i < quick; i++) if (a[i] !== b[i]) return false;
  return Buffer.compare(a, b) === 0;
}

function alike(a: Likeness, b: Likeness): boolean {
  return (
    a.contentType === b.contentType &&
    TELLING.every((name) => (a.properties[name] ?? undefined) === (b.properties[name] ?? undefined)) &&
    sameBytes(a.body, b.body)
  );
}

function sameTable(a: Likeness, b: Likeness): boolean {
  return a.table === undefined || b.table === undefined || sameBytes(a.table, b.table);
}

function key({ exchange, routingKey, properties, body }: Likeness): string {
  return `${body.length} ${properties.messageId} ${properties.correlationId} ${exchange} ${routingKey}`;
}

/**
 * The mandatory publishes that are in flight. AMQP does not say which publish a returned message was: it is known by its route,
 * properties, headers and bytes. So that this is exact, no two that are equal in all of that are in flight at once: the second
 * waits for the first one's confirm.
 */
export class Twins {
  readonly #all = new Map<string, Pending[]>();

  /** Whether one that is equal is in flight. */
  has(pending: Pending): boolean {
    const it = likeness(pending);
    return (
      this.#all.get(key(it))?.some((other) => alike(likeness(other), it) && sameTable(likeness(other), it)) ?? false
    );
  }

  add(pending: Pending): void {
    const name = key(likeness(pending));
    const there = this.#all.get(name);
    if (there === undefined) this.#all.set(name, [pending]);
    else there.push(pending);
  }

  remove(pending: Pending): void {
    const name = key(likeness(pending));
    const there = this.#all.get(name);
    if (there === undefined) return;
    if (there.length === 1) this.#all.delete(name);
    else there.splice(there.indexOf(pending), 1);
  }

  /**
   * The publish that came back. Headers are compared as bytes, which the broker normally leaves alone; where it has not (it
   * takes out `BCC`), one that is equal but for them is taken.
   */
  find({ exchange, routingKey }: Return, header: ContentHeader, body: Buffer): Pending | undefined {
    const { contentType, properties, table } = header;
    const it: Likeness = { exchange, routingKey, contentType, properties, body, table };
    const equal = this.#all.get(key(it))?.filter((pending) => alike(likeness(pending), it));
    return equal?.find((pending) => sameTable(likeness(pending), it)) ?? equal?.[0];
  }
}
