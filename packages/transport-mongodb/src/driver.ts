import { randomBytes } from 'node:crypto';
import type { TransportContext } from '@kombu/core';
import { QueueDrops, type Unanswered, type VirtualDriver } from '@kombu/core/virtual';
import { createBroadcast } from './broadcast.js';
import { createChangeStream } from './change-stream.js';
import { type Collections, collectionsOf, prepare } from './collections.js';
import type { Connected, ServerInfo } from './connect.js';
import type { DriverContext, ResolvedOptions } from './driver-context.js';
import { giveBackAll } from './give-back.js';
import type { MongodbLink } from './link.js';
import { MessageIds } from './message-ids.js';
import type { Notices } from './notices.js';
import { createPresence } from './presence.js';
import { createPut } from './put.js';
import { createQueues } from './queues.js';
import { createRecover } from './recover.js';
import { createReserve, createReserveExpired } from './reserve.js';
import { createExtend, createSettle } from './settle.js';
import { createSignals } from './signals.js';
import { createTopology } from './topology.js';

/** How long close() waits for answers that are under way. */
const CLOSE_GRACE_MS = 2000;
/** What of a document is not the envelope: names of fields, the queue's name twice, dates. */
const AROUND_BYTES = 16 * 1024;

/** One after the other, whatever came of the one before. */
function queue(): DriverContext['inTurn'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}

/** What tells of changes; undefined: queues are polled. */
function noticesOf(
  { tells }: ServerInfo,
  link: MongodbLink,
  collections: Collections,
  options: ResolvedOptions,
  drops: QueueDrops,
  warn: TransportContext['warn'],
): Notices | undefined {
  if (tells === 'change streams') return createChangeStream(link, collections, options, drops, warn);
  return tells === 'tails' ? createSignals(link, collections, drops, options.pollingIntervalMs ?? 1000) : undefined;
}

/** Makes the driver of a link that was just opened. */
export async function createDriver(
  { link, db, info, clock }: Connected,
  options: ResolvedOptions,
  transport: TransportContext,
  unanswered: Unanswered,
): Promise<VirtualDriver> {
  const collections = collectionsOf(db, options);
  await prepare(link, collections, options, info.tells === 'tails');
  if (info.tells === 'nothing') link.watchSockets();
  const drops = new QueueDrops();
  const notices = noticesOf(info, link, collections, options, drops, transport.warn);
  const owner = randomBytes(9).toString('base64url');
  let calls = 0;
  const context: DriverContext = {
    link,
    collections,
    options,
    transport,
    clock,
    ids: new MessageIds(clock),
    nextOwner: () => `${owner}.${(calls++).toString(36)}`,
    inTurn: queue(),
    wake: (name) => notices?.wake(name),
    more: (name) => notices?.more(name),
    dropped: (name) => (notices === undefined ? drops.tell(name) : notices.dropped(name)),
    unanswered: new Set(),
  };
  const queues = createQueues(context);
  const topology = createTopology(context, drops);
  const broadcast = createBroadcast(context);
  const end = (): void => {
    notices?.close();
    broadcast.close();
  };
  link.closed.then((error) => {
    end();
    if (error !== undefined) unanswered.keep(transport.connectionId, context.unanswered);
  });
  // Where it does not succeed, the leases of what was taken end by themselves.
  giveBackAll(context, unanswered.take(transport.connectionId)).catch(() => {});
  return {
    closed: link.closed,
    client: link.client,
    serverVersion: info.version,
    limits: {
      queuesPerReserve: 100,
      maxBatch: 500,
      maxPutBatch: 1000,
      receiveWaitMs: 0,
      lease: 'message',
      priorities: 10,
      maxPayloadBytes: info.maxDocumentBytes - AROUND_BYTES,
    },
    ...queues,
    put: createPut(context),
    reserve: createReserve(context),
    reserveExpired: createReserveExpired(context),
    settle: createSettle(context),
    extend: createExtend(context),
    recover: createRecover(context, topology),
    ...(notices === undefined ? {} : { watch: (wake: (name: string) => void) => notices.watch(wake) }),
    topology,
    presence: createPresence(context),
    broadcast,
    async close() {
      end();
      await link.close(CLOSE_GRACE_MS);
    },
    destroy: () => link.destroy(),
  };
}
