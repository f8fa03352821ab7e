import { randomBytes } from 'node:crypto';
import { InvalidOptionError, KombuError, NotSupportedError, type TransportContext } from '@kombu/core';
import { QueueDrops, type Unanswered, type VirtualDriver } from '@kombu/core/virtual';
import { createBroadcast } from './broadcast.js';
import type { Connected } from './connect.js';
import type { DriverContext, ResolvedOptions } from './driver-context.js';
import { giveBackAll } from './give-back-all.js';
import type { Keys } from './keys.js';
import type { RedisLink } from './link.js';
import { scripts } from './lua/all.js';
import { createPresence } from './presence.js';
import { createPut } from './put.js';
import { queueOrder } from './queue-order.js';
import { createQueues } from './queues.js';
import { createRecover } from './recover.js';
import { createReserve, createReserveExpired } from './reserve.js';
import { createExtend, createSettle } from './settle.js';
import { createTopology } from './topology.js';
import { startTracking } from './watch.js';
import { Watchdog } from './watchdog.js';

/** How long close() waits for replies that are under way. */
const CLOSE_GRACE_MS = 2000;
/** Silence for so long ends a link, where the connection says nothing else. */
const HEARTBEAT_MS = 20_000;

/** Loads what the server does not know yet. */
async function loadScripts(link: RedisLink): Promise<void> {
  const known = (await link.call('SCRIPT EXISTS', 'script', ['exists', ...scripts.map(({ sha }) => sha)])) as number[];
  const missing = scripts.filter((_, i) => known[i] !== 1);
  await Promise.all(missing.map(({ text }) => link.call('SCRIPT LOAD', 'script', ['load', text])));
}

/** Makes the driver of a link that was just opened. */
export async function createDriver(
  connected: Connected,
  keys: Keys,
  options: ResolvedOptions,
  transport: TransportContext,
  heartbeatMs: number | undefined,
  unanswered: Unanswered,
): Promise<VirtualDriver> {
  const { link, info } = connected;
  const owner = randomBytes(9).toString('base64url');
  let calls = 0;
  const sockets = link.clients.length;
  if (options.maxConnections !== undefined && options.maxConnections < sockets) {
    throw new InvalidOptionError(
      `a connection needs ${sockets} sockets: transport option 'maxConnections' is too small`,
    );
  }
  await loadScripts(link);
  const drops = new QueueDrops();
  const tracking = await startTracking(link, keys, drops);
  if (tracking === undefined) {
    transport.warn(new NotSupportedError('Redis does not allow CLIENT TRACKING here: queues are polled instead'));
  }
  if (info.evictionPolicy !== undefined && info.evictionPolicy !== 'noeviction') {
    transport.warn(
      new KombuError(
        'INCONSISTENT',
        `Redis has maxmemory-policy ${info.evictionPolicy}: it may throw messages away; set it to noeviction`,
      ),
    );
  }
  const silenceMs = heartbeatMs ?? HEARTBEAT_MS;
  const context: DriverContext = {
    link,
    keys,
    options,
    transport,
    serving: options.priorityOrder === 'lowest-first' ? keys.steps : keys.steps.toReversed(),
    nextOwner: () => `${owner}.${(calls++).toString(36)}`,
    wake: (queue) => tracking?.wake(queue) ?? false,
    drops,
    longestWaitMs: silenceMs === 0 ? Number.POSITIVE_INFINITY : Math.max(1, silenceMs / 6),
    unanswered: new Set(),
  };
  const topology = createTopology(context, tracking !== undefined);
  const dog = new Watchdog(link.clients, silenceMs, transport.clock, (client) => {
    client.stream.destroy(new Error('no answer to a ping'));
  });
  if (silenceMs !== 0) dog.start();
  link.closed.then((error) => {
    dog.stop();
    if (error !== undefined) unanswered.keep(transport.connectionId, context.unanswered);
  });
  // Where it does not succeed, the leases of what was taken end by themselves.
  giveBackAll(context, unanswered.take(transport.connectionId)).catch(() => {});
  return {
    closed: link.closed,
    limits: {
      queuesPerReserve: 500,
      // Two of these on the way at once: one is handed out while the server fills the next.
      maxBatch: 50,
      parallelReserves: 2,
      maxPutBatch: 1000,
      // Half of a usual number of publishes on the way: the server works on the one half while this process makes the other.
      earlyPut: 32,
      receiveWaitMs: 0,
      lease: 'message',
      // What the transport declares; other `prioritySteps` make it more or fewer.
      priorities: 4,
      maxPayloadBytes: 500_000_000,
    },
    client: link.sockets.commands,
    serverVersion: info.version,
    ...createQueues(context),
    put: createPut(context),
    reserve: createReserve(context, queueOrder(options.queueOrderStrategy, tracking?.watched ?? new Set())),
    settle: createSettle(context),
    ...(tracking === undefined ? {} : { watch: tracking.watch }),
    extend: createExtend(context),
    reserveExpired: createReserveExpired(context),
    recover: createRecover(context, topology),
    topology,
    presence: createPresence(context),
    broadcast: createBroadcast(context),
    close: () => link.close(CLOSE_GRACE_MS),
    destroy: () => link.destroy(),
  };
}
