import { type FSWatcher, statSync, type WatchListener, type WatchOptions, watch as watchFiles } from 'node:fs';
import { OperationalError } from '@kombu/core';
import type { VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';

/** Clocks of file systems move in steps: what is newer than that may have changed unseen. */
const CLOCK_STEP_MS = 20;
/** More names than that in one go are not looked at one by one: the folder is listed anew. */
const MANY = 2000;

/** Tells consumers of new files. */
export interface FolderWatch {
  readonly watch: NonNullable<VirtualDriver['watch']>;
  /** A queue was changed by this link itself. */
  wake(queue: string): void;
  /** Ends it at once. */
  stop(): void;
}

/**
 * Watches the folder once for all queues of a link, as long as there are any: a link that only publishes is not told of what it
 * writes itself. However many files come in one go, each queue is woken once. Where the system cannot tell (or was told not
 * to), the folder's own time is looked at every `pollingIntervalMs`.
 *
 * @param watchFolder the system's way of telling of new files
 */
export function createWatch(
  context: Omit<DriverContext, 'wake'>,
  watchFolder: (folder: string, options: WatchOptions, told: WatchListener<string>) => FSWatcher = watchFiles,
): FolderWatch {
  const { link, folders, index, transport } = context;
  const watched = new Set<string>();
  let tell: ((queue: string) => void) | undefined;
  let watcher: FSWatcher | undefined;
  let cancelPoll: (() => void) | undefined;
  let scheduled: NodeJS.Immediate | undefined;
  let names = new Set<string>();
  let queues = new Set<string>();

  const report = (): void => {
    scheduled = undefined;
    const [seen, woken] = [names, queues];
    [names, queues] = [new Set(), new Set()];
    if (!link.isOpen) return;
    if (seen.size > MANY) {
      index.forget();
      for (const queue of watched) woken.add(queue);
    } else {
      for (const name of seen) {
        const queue = index.add(name);
        if (queue !== undefined) woken.add(queue);
      }
    }
    for (const queue of woken) if (watched.has(queue)) tell?.(queue);
  };
  const schedule = (): void => {
    scheduled ??= setImmediate(report);
  };
  const stop = (): void => {
    watcher?.close();
    watcher = undefined;
    index.told = undefined;
    cancelPoll?.();
    clearImmediate(scheduled);
    scheduled = undefined;
    names = new Set();
    queues = new Set();
  };

  /** The time of the folder changes whenever a file comes or goes. */
  const poll = (before: string): void => {
    cancelPoll = transport.clock.after(
      context.pollingIntervalMs,
      () => {
        if (link.look() !== undefined) return;
        const { mtimeMs, ino } = statSync(folders.in, { throwIfNoEntry: false }) ?? { mtimeMs: 0, ino: 0 };
        // What comes within the same step of the clock as the last change does not show: it is looked at once more.
        const after = Date.now() - mtimeMs < CLOCK_STEP_MS ? '' : `${ino} ${mtimeMs}`;
        if (after === '' || after !== before) for (const queue of watched) tell?.(queue);
        poll(after);
      },
      { unref: true },
    );
  };

  const start = (): void => {
    if (!context.fsWatch) {
      poll('');
      return;
    }
    try {
      watcher = watchFolder(folders.in, { persistent: false }, (_, name) => {
        if (name === null) {
          index.forget();
          for (const queue of watched) queues.add(queue);
        } else names.add(name);
        // The folder itself was removed or renamed: nobody will tell of anything any more.
        if (name !== null && folders.in.endsWith(name)) link.look();
        schedule();
      });
      watcher.on('error', fallBack);
      index.told = watched;
      index.forget();
    } catch (error) {
      fallBack(error as Error);
    }
  };
  const fallBack = (cause: Error): void => {
    watcher?.close();
    watcher = undefined;
    index.told = undefined;
    if (link.look() !== undefined) return;
    const why = `the system does not tell of new files in ${folders.in} (${cause.message}): it is looked at now and then`;
    transport.warn(new OperationalError('BROKER_BUSY', why, { cause }));
    poll('');
  };

  return {
    watch(wake) {
      tell = wake;
      return {
        add(queue) {
          if (watched.size === 0 && link.isOpen) start();
          watched.add(queue);
          wake(queue);
        },
        remove(queue) {
          watched.delete(queue);
          if (watched.size === 0) stop();
        },
        async close() {
          watched.clear();
          stop();
        },
      };
    },
    wake(queue) {
      if (!watched.has(queue)) return;
      queues.add(queue);
      schedule();
    },
    stop() {
      stop();
      tell = undefined;
    },
  };
}
