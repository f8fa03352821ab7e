import { deferred, type KombuError } from '@kombu/core';
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

/** How many files of a commit are waited for at once. */
const PARALLEL = 8;
/** How many messages share one flush of the folder, but for a put that has more. */
const MAX_COMMIT = 128;
/** How many commits are under way at once: while one waits for the disk the next one is written. */
const COMMITS = 3;
/** With fewer messages than that it is better to wait, and to share a commit with those that come meanwhile. */
const ENOUGH = 32;

interface Job {
  readonly entries: readonly PutEntry[];
  readonly resolve: (result: PutResult) => void;
  readonly reject: (error: KombuError) => void;
}

/**
 * The part of the driver that stores. Each message is written to a draft, which is flushed to the disk and then renamed into the
 * folder: nobody ever sees half a message. What is asked for while a flush is under way shares the next one. Messages become
 * visible in the order of the puts.
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
  const running = new Set<Promise<void>>();
  let scheduled = false;
  /** How many messages wait for a commit. */
  let waiting = 0;
  /** All commits before have made their messages visible. */
  let visible: Promise<void> = Promise.resolve();

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

  /** Makes messages of drafts, in the order of the commits. */
  const show = async (written: readonly Draft[]): Promise<void> => {
    const before = visible;
    const { promise, resolve } = deferred();
    visible = promise;
    try {
      await flushAll(written);
      await before;
      for (const draft of written) drafts.publish(draft);
    } finally {
      resolve();
    }
  };

  const commit = async (jobs: readonly Job[]): Promise<void> => {
    try {
      const batches = jobs.map(({ entries }) => entries.map(drafts.write));
      const written = batches.flat();
      if (context.fsync) {
        await show(written);
        await drafts.flushFolder(written);
      } else for (const draft of written) drafts.publish(draft);
      for (const [i, job] of jobs.entries()) job.resolve(await resultOf(batches[i] ?? []));
    } catch (error) {
      const failure = link.translate(error, 'storing messages');
      for (const job of jobs) job.reject(failure);
    }
  };

  const start = (): void => {
    scheduled = false;
    while (pending.length > 0 && (running.size === 0 || (running.size < COMMITS && waiting >= ENOUGH))) {
      let [count, jobs] = [0, 0];
      while (jobs < pending.length && (jobs === 0 || count < MAX_COMMIT)) count += pending[jobs++]?.entries.length ?? 0;
      waiting -= count;
      const one = commit(pending.splice(0, jobs)).then(() => {
        running.delete(one);
        start();
      });
      running.add(one);
    }
  };

  return {
    put({ entries, check }) {
      link.check();
      const changed = check.length === 0 ? [] : stale(check);
      if (changed.length > 0) return { failures: [], evicted: [], stale: changed, stored: false };
      return new Promise((resolve, reject) => {
        pending.push({ entries, resolve, reject });
        waiting += entries.length;
        if (scheduled) return;
        scheduled = true;
        queueMicrotask(start);
      });
    },
    async idle() {
      while (pending.length > 0 || running.size > 0) await Promise.all(running);
    },
  };
}
