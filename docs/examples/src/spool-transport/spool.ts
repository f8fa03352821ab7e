import { randomUUID } from 'node:crypto';
import { watch as watchFolder } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  deferred,
  InvalidOptionError,
  type KombuError,
  MessageStateError,
  OperationalError,
  type Transport,
} from '@kombu/core';
import {
  defineVirtualTransport,
  type ItemFailure,
  type Reserved,
  type VirtualDriver,
  type VirtualOptions,
} from '@kombu/core/virtual';

const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Does it, and tells whether the file was still there. Somebody else may have been quicker. */
async function stillThere(step: Promise<unknown>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (missing(error)) return false;
    throw error;
  }
}

/** The files of a folder in the order of their names; none where there is no folder. */
async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (missing(error)) return [];
    throw error;
  }
}

/** A link to a spool folder. `rename` is atomic: of all who want a file, one gets it. That is all the store there is. */
export function openSpool(root: string): VirtualDriver {
  const ready = (queue: string): string => path.join(root, 'ready', `q-${encodeURIComponent(queue)}`);
  const taken = (queue: string): string => path.join(root, 'taken', `q-${encodeURIComponent(queue)}`);
  const drafts = path.join(root, 'drafts');
  const lost = (file: string): KombuError => new MessageStateError('LEASE_LOST', `${file} is somebody else's by now`);
  const closed = deferred<KombuError | undefined>();
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();
  /** What one link does takes effect in the order in which it was asked for. */
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const mine = last.then(step);
    last = mine.catch(() => {});
    return mine;
  };

  /** Sorts by priority, then by time. A message that was delivered before has `.again` at its end. */
  const nameFor = (priority: number): string =>
    `${9 - priority}-${String(Date.now()).padStart(15, '0')}-${String(++count).padStart(9, '0')}-${randomUUID()}`;
  const flagged = (name: string): string => (name.endsWith('.again') ? name : `${name}.again`);
  const makeQueue = async (name: string): Promise<void> => {
    await mkdir(ready(name), { recursive: true });
    await mkdir(taken(name), { recursive: true });
    await mkdir(drafts, { recursive: true });
  };
  /** A lease is the time of the file: until then it belongs to whoever took it. */
  const lease = (file: string, ms: number): Promise<boolean> => {
    const until = new Date(Date.now() + ms);
    return stillThere(utimes(file, until, until));
  };

  return {
    closed: closed.promise,
    client: undefined,
    limits: { queuesPerReserve: 20, maxBatch: 50, receiveWaitMs: 0, lease: 'message', priorities: 10 },

    createQueue: ({ name }) => makeQueue(name),
    async deleteQueue(name) {
      await rm(ready(name), { recursive: true, force: true });
      await rm(taken(name), { recursive: true, force: true });
    },
    hasQueue: (name) => stillThere(stat(ready(name))),
    size: async (name) => (await list(ready(name))).length,
    async purge(name) {
      const gone = (await list(ready(name))).map((file) => stillThere(unlink(path.join(ready(name), file))));
      return (await Promise.all(gone)).filter(Boolean).length;
    },

    put: ({ entries }) =>
      inTurn(async () => {
        const failures: ItemFailure[] = [];
        for (const [index, { queue, priority, payload }] of entries.entries()) {
          const file = nameFor(priority);
          try {
            await makeQueue(queue);
            await writeFile(path.join(drafts, file), payload as string);
            await rename(path.join(drafts, file), path.join(ready(queue), file));
          } catch (cause) {
            failures.push({
              index,
              error: new OperationalError('BROKER_BUSY', `spool: ${file} was not written`, { cause }),
            });
          }
        }
        return { failures, evicted: [] };
      }),

    reserve: ({ queues, max, leaseMs, noAck, signal }) =>
      inTurn(async () => {
        const found: Reserved[] = [];
        for (const queue of queues) {
          for (const from of await list(ready(queue))) {
            if (found.length === max || signal.aborted) return found;
            const [here, token] = [path.join(ready(queue), from), `${from},${randomUUID()}`];
            const file = path.join(taken(queue), token);
            // The lease comes first: a file that is taken without one would be anybody's.
            if (!(await lease(here, leaseMs)) || !(await stillThere(rename(here, file)))) continue;
            const payload = await readFile(file, 'utf8');
            if (noAck) await unlink(file);
            found.push({ queue, token, payload, redelivered: from.endsWith('.again') });
          }
        }
        return found;
      }),

    settle: (items) =>
      inTurn(async () => {
        const failures: ItemFailure[] = [];
        for (const [index, { queue, token, outcome }] of items.entries()) {
          const file = path.join(taken(queue), token as string);
          const [from = ''] = (token as string).split(',');
          const back = outcome === 'release' ? from : flagged(`${from[0]}${nameFor(0).slice(1)}`);
          const over = outcome === 'ack' || outcome === 'drop';
          const step = over ? unlink(file) : rename(file, path.join(ready(queue), back));
          if (!(await stillThere(step))) failures.push({ index, error: lost(file) });
        }
        return failures;
      }),

    async extend(items, leaseMs) {
      const failures: ItemFailure[] = [];
      for (const [index, { queue, token }] of items.entries()) {
        const file = path.join(taken(queue), token as string);
        if (!(await lease(file, leaseMs))) failures.push({ index, error: lost(file) });
      }
      return failures;
    },

    async recover({ limit, signal }) {
      let recovered = 0;
      for (const folder of await list(path.join(root, 'taken'))) {
        for (const token of await list(path.join(root, 'taken', folder))) {
          if (recovered === limit || signal.aborted) return recovered;
          const file = path.join(root, 'taken', folder, token);
          const until = await stat(file).then(
            (stats) => stats.mtimeMs,
            () => Number.POSITIVE_INFINITY,
          );
          if (until > Date.now()) continue;
          const [from = ''] = token.split(',');
          if (await stillThere(rename(file, path.join(root, 'ready', folder, flagged(from))))) recovered += 1;
        }
      }
      return recovered;
    },

    watch(wake) {
      const watchers = new Map<string, ReturnType<typeof watchFolder>>();
      const drop = (queue: string): void => {
        watchers.get(queue)?.close();
        watchers.delete(queue);
      };
      return {
        add(queue) {
          const watcher = watchFolder(ready(queue), { persistent: false }, () => wake(queue));
          watchers.set(
            queue,
            watcher.on('error', () => drop(queue)),
          );
          wake(queue);
        },
        remove: drop,
        async close() {
          for (const queue of [...watchers.keys()]) drop(queue);
        },
      };
    },

    async close() {
      closed.resolve(undefined);
    },
    destroy() {
      closed.resolve(undefined);
    },
  };
}

/** Queues in a folder: `spool:///var/spool/my-app`. Every process of the machine that knows the folder shares them. */
export const spool: Transport<VirtualOptions> = defineVirtualTransport({
  name: 'spool',
  schemes: ['spool'],
  driverName: 'node:fs',
  options: {},
  capabilities: {
    fanout: 'queues',
    priorities: 10,
    order: 'fifo',
    delivery: 'exactly-once',
    scope: 'broker',
    lease: 'message',
    durable: true,
    // Exchanges, bindings and consumers are known to the process that declared them, and to no other.
    topology: 'process',
    presence: 'process',
    maxLength: false,
  },
  async open({ virtualHost }) {
    if (virtualHost === undefined)
      throw new InvalidOptionError('spool: the URL names a folder: spool:///var/spool/my-app');
    const root = path.resolve('/', virtualHost);
    await mkdir(root, { recursive: true });
    return openSpool(root);
  },
});
