import type { KombuError } from '@kombu/core';
import type {
  ItemFailure,
  PutEntry,
  PutRequest,
  PutResult,
  QueueLimits,
  Reserved,
  VirtualDriver,
} from '@kombu/core/virtual';
import { createDrafts, type Draft } from './drafts.js';
import type { DriverContext } from './driver-context.js';
import { createEvict } from './evict.js';

/** How many files are waited for at once. */
const PARALLEL = 16;
/** How many messages share one flush of the folder. */
const MAX_COMMIT = 512;

interface Job {
  readonly entries: readonly PutEntry[];
  readonly resolve: (result: PutResult) => void;
  readonly reject: (error: KombuError) => void;
}

/**
 * The part of the driver that stores. Each message is written to a draft, which is flushed to the disk and then renamed into the
 * folder: nobody ever sees half a message. What is asked for while a flush is under way shares the next one.
 */
export function createPut(
  context: DriverContext,
  stale: (check: PutRequest['check']) => NonNullable<PutResult['stale']>,
): {
  readonly put: VirtualDriver['put'];
  readonly idle: () => Promise<void>;
} {
  const { link } = context;
  const drafts = createDrafts(context);
  const evict = createEvict(context);
  const pending: Job[] = [];
  let pump: Promise<void> | undefined;

  const resultOf = async (stored: readonly Draft[]): Promise<PutResult> => {
    const failures: ItemFailure[] = [];
    const limited = new Map<string, QueueLimits>();
    for (const [i, { entry, error }] of stored.entries()) {
      if (error !== undefined) failures.push({ index: i, error });
      else if (entry.limits !== undefined) limited.set(entry.queue, entry.limits);
    }
    const evicted: Reserved[] = [];
    for (const [queue, limits] of limited) {
      try {
        evicted.push(...(await evict(queue, limits)));
      } catch (error) {
        // They are stored; the next publish pushes out what is too much.
        context.transport.warn(link.translate(error, `keeping queue '${queue}' within its limits`));
      }
    }
    return { failures, evicted };
  };

  const flushAll = async (written: readonly Draft[]): Promise<void> => {
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let draft = written[next++]; draft !== undefined; draft = written[next++]) await drafts.flush(draft);
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, written.length) }, worker));
  };

  const commit = async (jobs: readonly Job[]): Promise<void> => {
    const batches = jobs.map(({ entries }) => entries.map(drafts.write));
    const written = batches.flat();
    if (context.fsync) await flushAll(written);
    for (const draft of written) drafts.publish(draft);
    if (context.fsync) await drafts.flushFolder(written);
    for (const [i, job] of jobs.entries()) job.resolve(await resultOf(batches[i] ?? []));
  };

  const work = async (): Promise<void> => {
    while (pending.length > 0) {
      let [count, jobs] = [0, 0];
      while (jobs < pending.length && (jobs === 0 || count < MAX_COMMIT)) count += pending[jobs++]?.entries.length ?? 0;
      const taken = pending.splice(0, jobs);
      try {
        await commit(taken);
      } catch (error) {
        const failure = link.translate(error, 'storing messages');
        for (const job of taken) job.reject(failure);
      }
    }
    pump = undefined;
  };

  return {
    put({ entries, check }) {
      link.check();
      const changed = check.length === 0 ? [] : stale(check);
      if (changed.length > 0) return { failures: [], evicted: [], stale: changed, stored: false };
      return new Promise((resolve, reject) => {
        pending.push({ entries, resolve, reject });
        pump ??= Promise.resolve().then(work);
      });
    },
    idle: async () => pump,
  };
}
