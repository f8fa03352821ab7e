import { closeSync, fsync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
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
import type { DriverContext } from './driver-context.js';
import { createEvict } from './evict.js';
import { checkName } from './queues.js';

const flush = promisify(fsync);
/** How many files are on their way to the disk at once. */
const PARALLEL = 16;
/** How many messages share one flush of the folder. */
const MAX_COMMIT = 512;

interface Job {
  readonly entries: readonly PutEntry[];
  readonly resolve: (result: PutResult) => void;
  readonly reject: (error: KombuError) => void;
}

/** A message on its way into the folder: a draft, until its rename. */
interface Draft {
  readonly entry: PutEntry;
  readonly name: string;
  error: KombuError | undefined;
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
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
  const { link, folders, names, index } = context;
  const evict = createEvict(context);
  const pending: Job[] = [];
  let pump: Promise<void> | undefined;

  const draftOf = (entry: PutEntry): Draft => ({
    entry,
    name: names.give(entry.queue, entry.priority, false),
    error: undefined,
  });
  const failed = (draft: Draft, error: unknown): void => {
    draft.error = link.translate(error, `storing a message in queue '${draft.entry.queue}'`);
    try {
      unlinkSync(`${folders.drafts}/${draft.name}`);
    } catch {
      // There was no draft yet, or it will be removed when a link is opened.
    }
  };

  const write = async (draft: Draft): Promise<void> => {
    try {
      if (!names.fits(draft.entry.queue)) checkName(draft.entry.queue);
      const file = openSync(`${folders.drafts}/${draft.name}`, 'wx');
      try {
        writeAll(file, draft.entry.payload as string);
        if (context.fsync) await flush(file);
      } finally {
        // Network file systems tell of a full disk no sooner.
        closeSync(file);
      }
    } catch (error) {
      failed(draft, error);
    }
  };

  const publish = (draft: Draft): void => {
    if (draft.error !== undefined) return;
    try {
      renameSync(`${folders.drafts}/${draft.name}`, `${folders.out}/${draft.name}`);
    } catch (error) {
      failed(draft, error);
      return;
    }
    if (folders.out === folders.in) index.added(draft.name);
    context.wake(draft.entry.queue);
  };

  /** A rename is on the disk only when its folder is. */
  const flushFolder = async (drafts: readonly Draft[]): Promise<void> => {
    if (!context.fsync) return;
    try {
      const folder = openSync(folders.out, 'r');
      try {
        await flush(folder);
      } finally {
        closeSync(folder);
      }
    } catch (error) {
      for (const draft of drafts)
        draft.error ??= link.translate(error, `storing a message in queue '${draft.entry.queue}'`);
    }
  };

  const resultOf = async (drafts: readonly Draft[]): Promise<PutResult> => {
    const failures: ItemFailure[] = [];
    const limited = new Map<string, QueueLimits>();
    for (const [i, { entry, error }] of drafts.entries()) {
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

  const commit = async (jobs: readonly Job[]): Promise<void> => {
    const batches = jobs.map(({ entries }) => entries.map(draftOf));
    const drafts = batches.flat();
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let draft = drafts[next++]; draft !== undefined; draft = drafts[next++]) await write(draft);
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, drafts.length) }, worker));
    for (const draft of drafts) publish(draft);
    await flushFolder(drafts);
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
