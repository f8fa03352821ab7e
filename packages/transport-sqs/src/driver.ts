import type { VirtualDriver } from '@kombu/core/virtual';
import type { Clients } from './clients.js';
import type { SqsLink } from './link.js';
import type { SqsOptions } from './options.js';
import { createPut } from './put.js';
import type { Queues } from './queues.js';
import { createReserve, RESERVE } from './reserve.js';
import { createExtend, createSettle } from './settle.js';
import type { SnsFanout } from './sns-fanout.js';

/** Makes the driver of a link: batches of everything, leases that the service keeps and that are renewed here. */
export function createDriver(
  link: SqsLink,
  clients: Clients,
  queues: Queues,
  fanout: SnsFanout | undefined,
  options: SqsOptions,
): VirtualDriver {
  const { waitTimeMs = 20_000, base64Encoding = true } = options;
  return {
    closed: link.closed,
    limits: {
      queuesPerReserve: 1,
      maxBatch: RESERVE,
      maxPutBatch: 1000,
      receiveWaitMs: waitTimeMs,
      lease: 'server',
      priorities: 0,
    },
    client: clients.of(),
    createQueue: (queue) => queues.create(queue),
    async deleteQueue(name) {
      await fanout?.queueGone(name);
      await queues.delete(name);
    },
    hasQueue: (name) => queues.has(name),
    size: (name) => queues.size(name),
    purge: (name, o) => queues.purge(name, o?.signal),
    put: createPut(link, queues, base64Encoding),
    reserve: createReserve(link, queues),
    settle: createSettle(link, queues),
    extend: createExtend(link, queues),
    ...(fanout && { fanout }),
    async close() {
      await Promise.all([queues.drained(), fanout?.drained()]);
      link.end();
    },
    destroy() {
      link.end();
    },
  };
}
