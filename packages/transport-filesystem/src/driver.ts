import type { TransportContext } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { NameGiver } from './file-name.js';
import { FolderIndex } from './folder-index.js';
import type { FolderLink } from './folder-link.js';
import type { FilesystemOptions } from './options.js';
import { createPresence } from './presence.js';
import { createPut } from './put.js';
import { createQueues } from './queues.js';
import { createRecover } from './recover.js';
import { createReserve, createReserveExpired } from './reserve.js';
import { createExtend, createSettle } from './settle.js';
import { createTopology } from './topology.js';
import { createWatch } from './watch.js';

/** Makes the driver of a link. Renames are what makes each of its steps atomic, in whatever process. */
export function createDriver(
  link: FolderLink,
  options: FilesystemOptions & VirtualOptions,
  transport: TransportContext,
): VirtualDriver {
  const parts: Omit<DriverContext, 'wake'> = {
    link,
    folders: link.folders,
    names: new NameGiver(() => transport.clock.now()),
    index: new FolderIndex(link),
    transport,
    fsync: options.fsync ?? true,
    shareWithPython: options.shareWithPython ?? true,
    pollingIntervalMs: options.pollingIntervalMs ?? 1000,
    fsWatch: options.fsWatch ?? true,
    leaseMs: options.leaseMs ?? 60_000,
  };
  const news = createWatch(parts);
  const context: DriverContext = { ...parts, wake: (queue) => news.wake(queue) };
  const { store: topology, stale } = createTopology(context);
  const { put, idle } = createPut(context, stale);
  link.closed.then(() => news.stop());
  link.supervise(transport.clock, parts.pollingIntervalMs);
  return {
    closed: link.closed,
    limits: {
      queuesPerReserve: 50,
      maxBatch: 64,
      maxPutBatch: 64,
      receiveWaitMs: 0,
      lease: 'message',
      priorities: 10,
    },
    client: link.folders,
    ...createQueues(context, async (queue) => (await topology.loadQueue(queue)) !== undefined),
    put,
    reserve: createReserve(context),
    settle: createSettle(context),
    watch: news.watch,
    extend: createExtend(context),
    recover: createRecover(context),
    reserveExpired: createReserveExpired(context),
    topology,
    presence: createPresence(context),
    async close() {
      await idle();
      link.end();
    },
    destroy: () => link.end(),
  };
}
