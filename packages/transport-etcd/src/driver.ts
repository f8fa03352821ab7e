import { createKeyValuePresence, createKeyValueTopology, type VirtualDriver } from '@kombu/core/virtual';
import { ClaimBook, type DriverContext, SettleOrder } from './driver-context.js';
import { endSession } from './end-session.js';
import { Lines } from './lines.js';
import { PRIORITIES } from './message-name.js';
import { createPut, MAX_PAYLOAD_BYTES } from './put.js';
import { createQueues } from './queues.js';
import { createRecovery } from './recover.js';
import { createReserve, createReserveExpired } from './reserve.js';
import { createSettle } from './settle.js';
import { createStore } from './store.js';
import { createWatch } from './watch.js';
import { Watcher } from './watcher.js';

/** How often who finds nothing, and watches nothing, looks for what dead sessions have left, at least, in milliseconds. */
const LONGEST_LOOK_MS = 10_000;

/**
 * Makes the driver of a link that was just opened. Every step is one transaction, or a few of which each is safe.
 *
 * @param left whether the link before has left a session, which was ended just now
 */
export async function createDriver(
  parts: Pick<DriverContext, 'link' | 'keys' | 'session' | 'transport'>,
  serverVersion: string | undefined,
  left: boolean,
): Promise<VirtualDriver> {
  const { link, keys, session, transport } = parts;
  const { clock } = transport;
  const watcher = new Watcher(link);
  const store = createStore(link, keys, session, watcher);
  const topology = createKeyValueTopology(store, { prefix: keys.prefix, clock });
  const context: DriverContext = {
    ...parts,
    watcher,
    topology,
    lines: new Lines(link, keys),
    claims: new ClaimBook(),
    order: new SettleOrder(),
  };
  const recovery = createRecovery(context);
  const everything = { limit: Number.POSITIVE_INFINITY, signal: new AbortController().signal };
  if (left) await recovery.recover(everything);
  const reserve = createReserve(context);
  const lookEveryMs = Math.min(LONGEST_LOOK_MS, session.ttlMs / 4);
  let lookedAt = clock.monotonic();
  /** Who only gets, and watches nothing, is not told of sessions that have ended. */
  const reserveUnwatched: VirtualDriver['reserve'] = async (request) => {
    const found = await reserve(request);
    if (found.length > 0 || clock.monotonic() - lookedAt < lookEveryMs) return found;
    lookedAt = clock.monotonic();
    recovery.look();
    return (await recovery.recover(everything)) > 0 ? reserve(request) : found;
  };
  return {
    closed: link.closed,
    limits: {
      queuesPerReserve: 50,
      maxBatch: 100,
      // One is handed out while the server fills the next.
      parallelReserves: 2,
      maxPutBatch: 100,
      receiveWaitMs: 0,
      lease: 'session',
      priorities: PRIORITIES,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    },
    client: link.client,
    serverVersion,
    ...createQueues(context),
    put: createPut(context),
    reserve: (request) => (context.lines.isWatching ? reserve(request) : reserveUnwatched(request)),
    settle: createSettle(context),
    watch: createWatch(context, () => {
      recovery.look();
      return recovery.recover(everything);
    }),
    recover: recovery.recover,
    reserveExpired: createReserveExpired(context),
    topology,
    presence: createKeyValuePresence(store, { prefix: keys.prefix, clock }),
    async close() {
      link.closing();
      // Where it does not succeed, the session ends by itself.
      if (link.isOpen) await endSession(context).catch(() => {});
      link.destroy();
    },
    destroy: () => link.destroy(),
  };
}
