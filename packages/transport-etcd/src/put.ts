import { UndeliverableError } from '@kombu/core';
import type { ItemFailure, PutEntry, PutRequest, PutResult, VirtualDriver } from '@kombu/core/virtual';
import type { ITxnResponse } from 'etcd3';
import type { DriverContext } from './driver-context.js';
import { messageName, rankOf } from './message-name.js';
import { type Compare, MAX_OPS, MAX_TXN_BYTES, type Operation, put, revisionOf, unchanged } from './requests.js';

/** Largest body in bytes: with base64 and an envelope it fits into the 1.5 MiB that a server takes by default. */
export const MAX_BODY_BYTES = 1_048_576;
/** Largest envelope in bytes: 1.5 MiB less what a transaction is made of beside it. */
export const MAX_PAYLOAD_BYTES = 1_536_000;
/** Above so many queues their revisions are forgotten. */
const MAX_TAILS = 10_000;

/** A put that waits, and how far it has come. */
interface Waiting {
  readonly check: PutRequest['check'];
  /** Those that can be stored. */
  readonly entries: readonly PutEntry[];
  readonly failures: readonly ItemFailure[];
  /** Index of the first entry that is not stored. */
  next: number;
  resolve(result: PutResult): void;
  reject(error: unknown): void;
}

/** What is known of a queue's tail. */
interface Tail {
  /** The revision that it was changed in last; `0`: it is not there. */
  readonly revision: string;
  /** Goes into names: the same, or a revision in which the tail was not there. */
  readonly base: string;
}

/** One transaction: as much of what waits as it can hold. */
interface Batch {
  readonly parts: { readonly waiting: Waiting; readonly upTo: number }[];
  /** By queue: its tail, which is replaced, and the ranks that get messages. */
  readonly tails: Map<string, { readonly tail: Tail; readonly ranks: Set<string>; count: number }>;
  readonly checks: Map<string, { readonly key: string; readonly version: string }>;
  readonly puts: Operation[];
  bytes: number;
}

/**
 * The part of the driver that stores. Puts of a link go out one transaction after the other, in order, and what comes meanwhile goes
 * out together. A transaction replaces the tails of its queues, each in the revision that it was read in: that gives names which
 * sort in the order of the transactions, whichever process makes them, and wakes who watches.
 */
export function createPut(context: DriverContext): VirtualDriver['put'] {
  const { link, keys, topology } = context;
  const waiting: Waiting[] = [];
  let tails = new Map<string, Tail>();
  let state: 'idle' | 'running' = 'idle';

  const leave = (one: Waiting): void => {
    const at = waiting.indexOf(one);
    if (at >= 0) waiting.splice(at, 1);
  };

  /** Adds a message to a transaction; false: it is full, or the tail of the queue is not known. */
  const add = (batch: Batch, entry: PutEntry): boolean => {
    const value = Buffer.from(entry.payload as string);
    const known = batch.tails.get(entry.queue);
    const tail = tails.get(entry.queue);
    if (tail === undefined) return false;
    const target = known ?? { tail, ranks: new Set<string>(), count: 0 };
    const ops = batch.puts.length + 1 + batch.tails.size + (known === undefined ? 1 : 0);
    const compares = batch.tails.size + batch.checks.size + 1;
    const full = ops > MAX_OPS || compares > MAX_OPS || batch.bytes + value.length > MAX_TXN_BYTES;
    if (full && batch.puts.length > 0) return false;
    const rank = rankOf(entry.priority);
    const name = messageName(rank, tail.base, target.count, false, entry.expiresAt);
    batch.tails.set(entry.queue, target);
    target.ranks.add(rank);
    target.count++;
    batch.bytes += value.length;
    batch.puts.push(put(keys.messages(entry.queue) + name, value));
    return true;
  };

  /** Whether the tables that a put was routed by can be compared in this transaction, together with those of others. */
  const addChecks = (batch: Batch, check: PutRequest['check']): boolean => {
    if (batch.checks.size + check.length + batch.tails.size >= MAX_OPS && batch.puts.length > 0) return false;
    if (check.some(({ exchange, version }) => (batch.checks.get(exchange)?.version ?? version) !== version))
      return false;
    for (const { exchange, version } of check) {
      batch.checks.set(exchange, { key: topology.exchangeKey(exchange), version: version as string });
    }
    return true;
  };

  const pack = (): Batch => {
    const batch: Batch = { parts: [], tails: new Map(), checks: new Map(), puts: [], bytes: 0 };
    for (const one of waiting) {
      // What a put has stored a part of goes on: its tables were compared when it began.
      if (one.next === 0 && !addChecks(batch, one.check)) break;
      let upTo = one.next;
      for (let entry = one.entries[upTo]; entry !== undefined && add(batch, entry); entry = one.entries[upTo]) upTo++;
      batch.parts.push({ waiting: one, upTo });
      if (upTo < one.entries.length) break;
    }
    return batch;
  };

  const send = (batch: Batch): Promise<ITxnResponse> => {
    const queues = [...batch.tails];
    const checks = [...batch.checks.values()];
    const compare: Compare[] = queues.map(([queue, { tail }]) => unchanged(keys.tail(queue), tail.revision));
    for (const { key, version } of checks) compare.push(unchanged(key, version));
    const success = queues.map(([queue, { ranks }]) => put(keys.tail(queue), [...ranks].join('')));
    const failure = [
      ...queues.map(([queue]) => revisionOf(keys.tail(queue))),
      ...checks.map(({ key }) => revisionOf(key)),
    ];
    return link.txn('storing messages', { compare, success: [...batch.puts, ...success], failure });
  };

  const stored = (batch: Batch, revision: string): void => {
    for (const queue of batch.tails.keys()) tails.set(queue, { revision, base: revision });
    for (const { waiting: one, upTo } of batch.parts) {
      one.next = upTo;
      if (upTo < one.entries.length) continue;
      leave(one);
      one.resolve({ failures: one.failures, evicted: [] });
    }
  };

  /** Takes in the revisions of tails that were just read, in their order; what comes after them is handed back. */
  const learn = (queues: Iterable<string>, answer: ITxnResponse): string[] => {
    const revisions = answer.responses.map(({ response_range: range }) => range.kvs[0]?.mod_revision ?? '0');
    for (const queue of queues) {
      const revision = revisions.shift() ?? '0';
      tails.set(queue, { revision, base: revision === '0' ? answer.header.revision : revision });
    }
    return revisions;
  };

  /** Somebody came between: hands back what was routed by tables that have changed. */
  const refused = (batch: Batch, answer: ITxnResponse): void => {
    const revisions = learn(batch.tails.keys(), answer);
    const changed = new Set<string>();
    for (const [exchange, { version }] of batch.checks) if (revisions.shift() !== version) changed.add(exchange);
    for (const { waiting: one } of batch.parts) {
      if (one.next > 0 || !one.check.some(({ exchange }) => changed.has(exchange))) continue;
      leave(one);
      const result = topology.stale(one.check).then((stale) => ({ failures: [], evicted: [], stale, stored: false }));
      result.then(one.resolve, one.reject);
    }
  };

  /** Reads the tails of queues that nothing was put into so far. */
  const readTails = async (): Promise<void> => {
    const queues = new Set<string>();
    for (const { entries } of waiting) for (const { queue } of entries) if (!tails.has(queue)) queues.add(queue);
    const unknown = [...queues].slice(0, MAX_OPS);
    if (unknown.length === 0) return;
    if (tails.size > MAX_TAILS) tails = new Map();
    const success = unknown.map((queue) => revisionOf(keys.tail(queue)));
    learn(unknown, await link.txn('storing messages', { success }));
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      let parts: Batch['parts'] = waiting.map((one) => ({ waiting: one, upTo: one.next }));
      try {
        await readTails();
        const batch = pack();
        parts = batch.parts;
        const answer = batch.puts.length === 0 ? undefined : await send(batch);
        if (answer?.succeeded === false) refused(batch, answer);
        else stored(batch, answer?.header.revision ?? '0');
      } catch (error) {
        for (const { waiting: one } of parts) {
          leave(one);
          one.reject(error);
        }
      }
    }
    state = 'idle';
  };

  return ({ entries, check }) =>
    new Promise<PutResult>((resolve, reject) => {
      const failures: ItemFailure[] = [];
      for (const [index, entry] of entries.entries()) {
        if (sizeOf(entry) > MAX_BODY_BYTES) failures.push({ index, error: tooLarge(entry) });
      }
      const good = failures.length === 0 ? entries : entries.filter((entry) => sizeOf(entry) <= MAX_BODY_BYTES);
      waiting.push({ check, entries: good, failures, next: 0, resolve, reject });
      if (state === 'running') return;
      state = 'running';
      // What is put in the same turn goes out together.
      queueMicrotask(() => void run());
    });
}

function sizeOf({ message }: PutEntry): number {
  return message.body.byteLength;
}

function tooLarge(entry: PutEntry): UndeliverableError {
  const what = `a message of ${sizeOf(entry)} bytes for queue '${entry.queue}' is larger than etcd can store`;
  return new UndeliverableError('MESSAGE_TOO_LARGE', `${what} (${MAX_BODY_BYTES} bytes)`);
}
