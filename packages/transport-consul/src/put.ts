import { type KombuError, OperationalError, UndeliverableError } from '@kombu/core';
import type {
  ItemFailure,
  KeyValueTopology,
  PutEntry,
  PutRequest,
  PutResult,
  VirtualDriver,
} from '@kombu/core/virtual';
import { type DriverContext, nameAll } from './driver-context.js';
import { createEvict } from './evict.js';
import { MAX_BODY_BYTES } from './layout.js';
import {
  encodeValue,
  MAX_OPERATIONS,
  MAX_TRANSACTION_BYTES,
  type Operation,
  operationBytes,
  transact,
} from './transactions.js';

/** What is larger goes in a call of its own, as it is: in a transaction it would be base64, and leave no room for others. */
const ALONE_BYTES = 128 * 1024;
/** How many messages of waiting puts are stored in one go. */
const MAX_COMMIT = 256;

interface Job extends PutRequest {
  readonly resolve: (result: PutResult) => void;
  readonly reject: (error: KombuError) => void;
}

/** Why a message cannot be stored at all. What is too large with its envelope has been refused before. */
function tooLarge({ message }: PutEntry): KombuError | undefined {
  const bytes = message.body.byteLength;
  if (bytes <= MAX_BODY_BYTES) return undefined;
  const why = `a body of ${bytes} bytes is too large for Consul: it may have ${MAX_BODY_BYTES}`;
  return new UndeliverableError('MESSAGE_TOO_LARGE', why);
}

/**
 * The part of the driver that stores. What is asked for while a transaction is under way shares the next one, in the order in which it
 * was asked for; the routing tables are compared in that transaction.
 */
export function createPut(
  context: DriverContext,
  topology: KeyValueTopology,
): {
  readonly put: VirtualDriver['put'];
  /** Resolves when nothing is on its way. */
  readonly idle: () => Promise<unknown>;
} {
  const { link, layout, views, transport } = context;
  const evict = createEvict(context);
  const pending: Job[] = [];
  let pump: Promise<void> | undefined;

  const checksOf = (jobs: readonly Job[]): Operation[] => {
    const checks = new Map<string, Operation>();
    for (const { exchange, version } of jobs.flatMap(({ check }) => check)) {
      const Key = topology.exchangeKey(exchange);
      const Index = Number(version);
      const KV =
        Index === 0 ? ({ Verb: 'check-not-exists', Key } as const) : ({ Verb: 'check-index', Key, Index } as const);
      checks.set(`${version} ${Key}`, { KV });
    }
    return [...checks.values()];
  };

  /** There is such a queue, whoever deleted it. */
  const markers = (queue: string): Operation[] => [
    { KV: { Verb: 'set', Key: layout.marker(queue), Value: '' } },
    { KV: { Verb: 'set', Key: layout.declared(queue), Value: '' } },
  ];

  /** Stores messages in their order. `false`: a table has changed, and nothing was stored. */
  const store = async (checks: readonly Operation[], entries: readonly PutEntry[]): Promise<boolean> => {
    const wanted = entries.map(({ priority, message, expiresAt }) => {
      return { priority, bytes: message.body.byteLength, expiresAt, redelivered: false };
    });
    const names = await nameAll(context, wanted);
    let operations: Operation[] = [...checks];
    let bytes = operations.reduce((sum, operation) => sum + operationBytes(operation), 0);
    let marked = new Set<string>();
    let first = true;
    const flush = async (): Promise<boolean> => {
      if (operations.length === 0) return true;
      const { Errors } = await transact(link, 'storing messages', operations);
      if (Errors !== null && first && checks.length > 0) return false;
      if (Errors !== null) throw new OperationalError('BROKER_BUSY', `storing messages failed: ${Errors[0]?.What}`);
      [operations, bytes, marked, first] = [[], 0, new Set(), false];
      return true;
    };
    for (const [i, { queue, payload }] of entries.entries()) {
      const Key = layout.messages(queue) + names[i];
      const set: Operation = { KV: { Verb: 'set', Key, Value: encodeValue(payload as string) } };
      const more = [...(marked.has(queue) ? [] : markers(queue)), set];
      const size = more.reduce((sum, operation) => sum + operationBytes(operation), 0);
      const alone = size > ALONE_BYTES;
      if (alone || operations.length + more.length > MAX_OPERATIONS || bytes + size > MAX_TRANSACTION_BYTES) {
        if (!(await flush())) return false;
      }
      operations.push(...(alone ? markers(queue) : more));
      bytes += alone ? 0 : size;
      marked.add(queue);
      if (!alone) continue;
      if (!(await flush())) return false;
      const { kv } = link.client;
      const put = { key: Key, value: payload as string, cas: 0 };
      await link.call('storing a message', (o) => kv.set({ ...put, ...o } as never));
    }
    return flush();
  };

  const evictAll = async (entries: readonly PutEntry[]): Promise<PutResult['evicted']> => {
    const limited = new Map(entries.map(({ queue, limits }) => [queue, limits]));
    const evicted: PutResult['evicted'][number][] = [];
    for (const [queue, limits] of limited) {
      if (limits === undefined) continue;
      try {
        evicted.push(...(await evict(queue, limits)));
      } catch (error) {
        // They are stored; the next publish pushes out what is too much.
        transport.warn(error as KombuError);
      }
    }
    return evicted;
  };

  const commit = async (jobs: readonly Job[]): Promise<void> => {
    const failures = jobs.map(({ entries }) =>
      entries.flatMap((entry, index): ItemFailure[] => {
        const error = tooLarge(entry);
        return error === undefined ? [] : [{ index, error }];
      }),
    );
    const good = jobs.flatMap(({ entries }, i) =>
      entries.filter((_, index) => !failures[i]?.some((failure) => failure.index === index)),
    );
    const checks = checksOf(jobs);
    if (!(await store(checks, good))) {
      await again(jobs);
      return;
    }
    for (const { queue } of good) views.changed(queue);
    for (const [i, { entries, resolve }] of jobs.entries()) {
      resolve({ failures: failures[i] ?? [], evicted: await evictAll(entries) });
    }
  };

  /** Some table was changed: those who do not depend on it are stored, the others are told. */
  const again = async (jobs: readonly Job[]): Promise<void> => {
    const current: Job[] = [];
    for (const job of jobs) {
      const stale = await topology.stale(job.check);
      if (stale.length === 0) current.push(job);
      else job.resolve({ failures: [], evicted: [], stale, stored: false });
    }
    if (current.length > 0) await commit(current);
  };

  const work = async (): Promise<void> => {
    while (pending.length > 0) {
      let [count, checks, jobs] = [0, 0, 0];
      // One transaction has to hold all the checks.
      for (const job of pending) {
        count += job.entries.length;
        checks += job.check.length;
        if (jobs > 0 && (count > MAX_COMMIT || checks > MAX_OPERATIONS / 2)) break;
        jobs++;
      }
      const taken = pending.splice(0, jobs);
      try {
        await commit(taken);
      } catch (error) {
        for (const job of taken) job.reject(error as KombuError);
      }
    }
    pump = undefined;
  };

  return {
    put: (request) =>
      new Promise((resolve, reject) => {
        pending.push({ ...request, resolve, reject });
        pump ??= Promise.resolve().then(work);
      }),
    idle: async () => pump,
  };
}
