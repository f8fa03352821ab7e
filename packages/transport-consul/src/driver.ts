import { type KombuError, MessageStateError, type TransportContext } from '@kombu/core';
import {
  createKeyValuePresence,
  createKeyValueTopology,
  type ItemFailure,
  type VirtualDriver,
} from '@kombu/core/virtual';
import type { Claim } from './claim.js';
import type { DriverContext } from './driver-context.js';
import { giveBack } from './give-back.js';
import type { KeptSessions, UnansweredClaim } from './kept-sessions.js';
import { type Layout, MAX_VALUE_BYTES } from './layout.js';
import type { ConsulLink } from './link.js';
import { NameGiver } from './message-name.js';
import { createPut } from './put.js';
import { QueueViews } from './queue-views.js';
import { createQueues } from './queues.js';
import { createReserve, createReserveExpired, MAX_RESERVE } from './reserve.js';
import { createSettle } from './settle.js';
import { createStore } from './store.js';
import { createWatch } from './watch.js';

/** How long close() waits for answers that are under way. */
const CLOSE_GRACE_MS = 2000;

/** What a link was opened with. */
export interface Opened {
  readonly link: ConsulLink;
  readonly layout: Layout;
  readonly version: string | undefined;
  /** What the link before this one may have taken. */
  readonly unanswered: readonly UnansweredClaim[];
  readonly sessions: KeptSessions;
}

/**
 * Makes the driver of a link. Transactions are what makes each of its steps atomic; a message is held by a lock of the link's session,
 * so that the server itself gives it back when the session ends.
 */
export async function createDriver(opened: Opened, transport: TransportContext): Promise<VirtualDriver> {
  const { link, layout, version, sessions } = opened;
  const context: DriverContext = {
    link,
    layout,
    names: new NameGiver(),
    views: new QueueViews(link, layout),
    transport,
    unanswered: new Set(),
  };
  await giveBack(context, opened.unanswered);
  const store = createStore(link);
  const { declarations: prefix } = layout;
  const topology = createKeyValueTopology(store, { prefix, clock: transport.clock });
  const presence = createKeyValuePresence(store, { prefix, clock: transport.clock });
  const { watch, onQueueDropped } = createWatch(context);
  const { put, idle } = createPut(context, topology);
  const { settle, settled } = createSettle(context);
  link.closed.then((error: KombuError | undefined) => {
    const { connectionId } = transport;
    if (error !== undefined)
      sessions.keep(connectionId, { session: link.session, unanswered: [...context.unanswered] });
  });
  return {
    closed: link.closed,
    limits: {
      // Each queue is asked by itself, many at once.
      queuesPerReserve: 1,
      maxBatch: MAX_RESERVE,
      // While the server writes one down, the next is on its way.
      parallelReserves: 2,
      receiveWaitMs: 0,
      lease: 'session',
      priorities: 10,
      maxPayloadBytes: MAX_VALUE_BYTES,
    },
    client: link.client,
    serverVersion: version,
    ...createQueues(context),
    put,
    settle,
    reserve: createReserve(context, settled),
    reserveExpired: createReserveExpired(context),
    watch,
    // The session is renewed for all of them at once: only those of an earlier session are lost.
    async extend(items) {
      const failures: ItemFailure[] = [];
      for (const [index, { queue, token }] of items.entries()) {
        if ((token as Claim).session === link.session) continue;
        const what = `a message of queue '${queue}' was held by a session that has ended`;
        failures.push({ index, error: new MessageStateError('LEASE_LOST', what) });
      }
      return failures;
    },
    topology: { ...topology, onQueueDropped },
    presence,
    async close() {
      await idle();
      await link.close(CLOSE_GRACE_MS);
    },
    destroy: () => link.destroy(),
  };
}
