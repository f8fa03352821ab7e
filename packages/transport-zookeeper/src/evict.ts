import type { QueueLimits, Reserved, VirtualDriver } from '@kombu/core/virtual';
import type { Claims } from './claims.js';
import type { DriverContext } from './driver-context.js';
import { bodyBytes, expiryOf } from './envelope.js';
import type { Line } from './line.js';
import type { Lines } from './lines.js';
import { prefixOf } from './paths.js';
import { readEntries } from './reserve.js';

/** How many facts of messages are remembered. */
const MAX_KNOWN = 50_000;
/** How many messages are read at once. */
const MAX_READ = 64;

/** One fact of each message, read once: nothing in a znode of a queue ever changes, as long as the queue is the same. */
class Facts {
  readonly #context: DriverContext;
  readonly #fact: (payload: Buffer) => number;
  #known = new Map<string, number>();

  constructor(context: DriverContext, fact: (payload: Buffer) => number) {
    this.#context = context;
    this.#fact = fact;
  }

  /** By name; what is not there any more is left out. */
  async of(queue: string, epoch: string, names: readonly string[]): Promise<Map<string, number>> {
    const keyOf = (name: string): string => `${queue}/${epoch}/${name}`;
    const facts = new Map<string, number>();
    const unknown: string[] = [];
    for (const name of names) {
      const fact = this.#known.get(keyOf(name));
      if (fact === undefined) unknown.push(name);
      else facts.set(name, fact);
    }
    for (let at = 0; at < unknown.length; at += MAX_READ) {
      for (const { name, data } of await readEntries(this.#context, queue, unknown.slice(at, at + MAX_READ))) {
        const fact = this.#fact(data);
        if (this.#known.size >= MAX_KNOWN) this.#known = new Map();
        this.#known.set(keyOf(name), fact);
        facts.set(name, fact);
      }
    }
    return facts;
  }
}

/**
 * Pushes out of a queue what is more than its limits allow, the first ones first. Every link looks at the whole queue: where two do so
 * at once, each message is pushed out by one of them.
 */
export function createEvict(
  context: DriverContext,
  lines: Lines,
  claims: Claims,
): (queue: string, limits: QueueLimits) => Promise<readonly Reserved[]> {
  const sizes = new Facts(context, bodyBytes);

  const tooMany = async (queue: string, limits: QueueLimits): Promise<readonly string[]> => {
    const { maxLength = Number.POSITIVE_INFINITY, maxLengthBytes = Number.POSITIVE_INFINITY } = limits;
    const line = lines.of(queue);
    if (maxLengthBytes === Number.POSITIVE_INFINITY) {
      const stat = await context.link.stat(context.paths.queue(queue));
      if ((stat?.numChildren ?? 0) <= maxLength) return [];
    }
    await line.list(false);
    const { names } = line;
    if (maxLengthBytes === Number.POSITIVE_INFINITY) return names.slice(0, Math.max(0, names.length - maxLength));
    const bytes = await sizes.of(queue, line.epoch, names);
    let [count, all] = [names.length, 0];
    for (const size of bytes.values()) all += size;
    let out = 0;
    for (const name of names) {
      if (count <= maxLength && all <= maxLengthBytes) break;
      count -= 1;
      all -= bytes.get(name) ?? 0;
      out += 1;
    }
    return names.slice(0, out);
  };

  return (queue, limits) =>
    lines.inTurn(queue, async () => {
      const names = await tooMany(queue, limits);
      if (names.length === 0) return [];
      const entries = await readEntries(context, queue, names);
      const { reserved } = await claims.take(queue, entries, limits.discard ? 'remove' : 'claim');
      lines.of(queue).drop(names);
      return limits.discard ? [] : reserved;
    });
}

/** The part of the driver that reserves what has expired at the head of a queue. */
export function createReserveExpired(
  context: DriverContext,
  lines: Lines,
  claims: Claims,
): NonNullable<VirtualDriver['reserveExpired']> {
  const expiries = new Facts(context, expiryOf);

  /** The first ones of each priority, as long as they have expired: those behind one that has not wait for it. */
  const expired = async (queue: string, { names, epoch }: Line, max: number, now: number): Promise<string[]> => {
    const found: string[] = [];
    let at = 0;
    while (at < names.length && found.length < max) {
      const prefix = prefixOf(names[at] ?? '');
      let end = at;
      while (end < names.length && prefixOf(names[end] ?? '') === prefix) end++;
      for (let size = 1; at < end; size = Math.min(MAX_READ, size * 4)) {
        const batch = names.slice(at, Math.min(end, at + size));
        const known = await expiries.of(queue, epoch, batch);
        const first = batch.findIndex((name) => (known.get(name) ?? 0) > now);
        found.push(...(first < 0 ? batch : batch.slice(0, first)));
        if (first >= 0 || found.length >= max) break;
        at += batch.length;
      }
      at = end;
    }
    return found.slice(0, max);
  };

  return ({ queue, max, now, signal }) =>
    lines.inTurn(queue, async () => {
      const line = lines.of(queue);
      await line.list(false);
      if (signal.aborted) return [];
      const names = await expired(queue, line, max, now);
      if (names.length === 0) return [];
      // The queue may be another one by now.
      const entries = (await readEntries(context, queue, names)).filter(({ data }) => expiryOf(data) <= now);
      const { reserved } = await claims.take(queue, entries, 'claim');
      line.drop(names);
      if (entries.length < names.length) line.forget();
      return reserved;
    });
}
