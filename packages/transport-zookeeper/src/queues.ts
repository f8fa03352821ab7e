import { ChannelError, OperationalError, throwIfAborted } from '@kombu/core';
import type { VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import type { Lines } from './lines.js';
import { makeBase } from './make-base.js';

/** How many znodes one transaction removes. */
const MAX_REMOVES = 200;
/** How often a queue is emptied that others fill at the same time. */
const MAX_ROUNDS = 100;
/** Longest path of a queue in bytes: a request names it several times. */
const MAX_PATH_BYTES = 1000;

/** PRECONDITION_FAILED for a queue whose znodes would have paths that are too long. */
export function nameProblem({ paths }: DriverContext, queue: string): ChannelError | undefined {
  if (queue.length < MAX_PATH_BYTES / 8 || Buffer.byteLength(paths.claimsOf(queue)) <= MAX_PATH_BYTES) return undefined;
  const what = `the name of queue '${queue.slice(0, 40)}...' is too long for a znode`;
  return new ChannelError('PRECONDITION_FAILED', what);
}

/** Makes a queue exist. */
export async function makeQueue(context: DriverContext, queue: string): Promise<void> {
  const { link, paths } = context;
  const problem = nameProblem(context, queue);
  if (problem !== undefined) throw problem;
  if ((await link.create(paths.queue(queue))) !== undefined) return;
  await makeBase(context);
  await link.create(paths.queue(queue));
}

/** Removes children of a znode; resolves with how many were there. */
async function removeAll({ link }: DriverContext, path: string, names: readonly string[]): Promise<number> {
  const batches: string[][] = [];
  for (let at = 0; at < names.length; at += MAX_REMOVES) batches.push(names.slice(at, at + MAX_REMOVES));
  const counts = batches.map(async (batch) => {
    const steps = batch.map((name) => ({ kind: 'remove', path: `${path}/${name}` }) as const);
    if ((await link.multi(`emptying ${path}`, steps)).done) return batch.length;
    return (await Promise.all(steps.map((step) => link.remove(step.path)))).filter(Boolean).length;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Removes a znode and its children. */
async function removeTree(context: DriverContext, path: string): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const listing = await context.link.list(path);
    if (listing === undefined) return;
    await Promise.all([removeAll(context, path, listing.names), context.link.remove(path)]);
  }
  throw new OperationalError('BROKER_BUSY', `${path} cannot be removed: others keep filling it`);
}

/** The part of the driver that knows queues as a whole. */
export function createQueues(
  context: DriverContext,
  lines: Lines,
): Pick<VirtualDriver, 'createQueue' | 'deleteQueue' | 'hasQueue' | 'size' | 'purge'> {
  const { link, paths, session } = context;
  /** The znode of a queue as of now: what another server of an ensemble has confirmed counts. */
  const now = async (queue: string, signal?: AbortSignal) => {
    const path = paths.queue(queue);
    const [, stat] = await Promise.all([link.sync(path), link.stat(path, signal)]);
    return stat;
  };
  return {
    async createQueue({ name }, o) {
      throwIfAborted(o?.signal, 'declaring a queue');
      await makeQueue(context, name);
    },
    async deleteQueue(name) {
      await removeTree(context, paths.queue(name));
      await removeTree(context, paths.claimsOf(name));
      lines.of(name).forget();
      if (session.marked.delete(name)) await link.remove(paths.heldFrom(session.name, name));
    },
    hasQueue: async (name, o) => name !== '' && (await now(name, o?.signal)) !== undefined,
    size: async (name, o) => (await now(name, o?.signal))?.numChildren ?? 0,
    async purge(name) {
      const path = paths.queue(name);
      const [, listing] = await Promise.all([link.sync(path), link.list(path)]);
      if (listing === undefined) return 0;
      lines.of(name).forget();
      return removeAll(context, path, listing.names);
    },
  };
}
