import type { TransportContext } from '@kombu/core';
import { createKeyValuePresence, createKeyValueTopology, type VirtualDriver } from '@kombu/core/virtual';
import { Claims } from './claims.js';
import { type DriverContext, MAX_BATCH, OVERHEAD_BYTES } from './driver-context.js';
import { createEvict, createReserveExpired } from './evict.js';
import { checkStep, createKeyValueStore } from './key-value.js';
import { Lines } from './lines.js';
import { createPut } from './put.js';
import { createQueues } from './queues.js';
import { createRecover, sayGoodbye } from './recover.js';
import { createReserve } from './reserve.js';
import { createExtend, createSettle } from './settle.js';

/** How long close() waits for what is under way. */
const CLOSE_GRACE_MS = 2000;

/** Makes the driver of a link. Transactions are what makes each of its steps atomic, in whatever process. */
export function createDriver(context: DriverContext, transport: TransportContext): VirtualDriver {
  const { link } = context;
  const lines = new Lines(context);
  const claims = new Claims(context);
  const store = createKeyValueStore(context);
  const layout = { prefix: '', clock: transport.clock };
  const topology = createKeyValueTopology(store, layout);
  return {
    closed: link.closed,
    client: link.client,
    limits: {
      queuesPerReserve: 1,
      maxBatch: MAX_BATCH,
      receiveWaitMs: 0,
      lease: 'session',
      priorities: 10,
      maxPayloadBytes: context.maxBufferBytes - OVERHEAD_BYTES,
    },
    ...createQueues(context, lines),
    put: createPut(context, {
      check: (exchange, version) => checkStep(context, topology.exchangeKey(exchange), String(version)),
      stale: (check) => topology.stale(check),
      evict: createEvict(context, lines, claims),
    }),
    reserve: createReserve(context, lines, claims),
    settle: createSettle(context, lines),
    watch: (wake) => lines.watch(wake),
    extend: createExtend(context),
    recover: createRecover(context),
    reserveExpired: createReserveExpired(context, lines, claims),
    topology: { ...topology, onQueueDropped: (listener) => lines.onDropped(listener) },
    presence: createKeyValuePresence(store, layout),
    async close() {
      await sayGoodbye(context).catch(() => {});
      await link.close(CLOSE_GRACE_MS);
    },
    destroy: () => link.destroy(),
  };
}
