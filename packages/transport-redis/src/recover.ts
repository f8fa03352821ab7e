import { uuid } from '@kombu/core';
import type { TopologyStore, VirtualDriver } from '@kombu/core/virtual';
import { type DriverContext, leaseArgs, leaseKeys } from './driver-context.js';
import { ForeignRouting } from './foreign-routing.js';
import type { Arg } from './link.js';
import { foreignExpired } from './lua/foreign-expired.js';
import { foreignRestore } from './lua/foreign-restore.js';
import { expireQueues } from './lua/queues.js';
import { recover as recoverScript } from './lua/recover.js';
import { topologyArgs, topologyKeys } from './topology.js';

/** How many messages one script puts back, so that none holds up the server for long. */
const BATCH = 100;

/**
 * The part of the driver that puts back what dead consumers held: ours when their lease has ended, those of Python consumers when
 * the visibility timeout is over. On the same occasion it removes queues whose time without use is over.
 */
export function createRecover(context: DriverContext, topology: TopologyStore): NonNullable<VirtualDriver['recover']> {
  const { link, keys, options } = context;

  const recoverOurs = async (limit: number, signal: AbortSignal): Promise<number> => {
    let recovered = 0;
    while (recovered < limit && !signal.aborted) {
      const most = Math.min(BATCH, limit - recovered);
      const reply = await link.run(recoverScript, leaseKeys(context), [...leaseArgs(context), most]);
      const [more, ...queues] = reply as [number, ...string[]];
      recovered += queues.length;
      for (const queue of new Set(queues)) context.wake(queue);
      if (more === 0) break;
    }
    return recovered;
  };

  const restoreForeign = async (limit: number, signal: AbortSignal): Promise<number> => {
    const token = uuid().replaceAll('-', '');
    const scriptKeys = [...leaseKeys(context), keys.unackedMutex];
    const most = Math.min(limit, options.unackedRestoreLimit);
    const find = [...leaseArgs(context), options.visibilityTimeoutMs, most, token, options.unackedMutexExpireMs];
    const reply = (await link.run(foreignExpired, scriptKeys, find)) as unknown[] | null;
    if (reply === null || reply.length === 1) return 0;
    const routing = new ForeignRouting(topology);
    const args: Arg[] = [...leaseArgs(context), token, keys.stepOf.join(',')];
    for (let i = 1; i + 4 < reply.length && !signal.aborted; i += 5) {
      const [tag, score, exchange, routingKey, headers] = reply.slice(i, i + 5) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const queues = await routing.queuesOf({ exchange, routingKey, headers });
      args.push(tag, score, queues.length, ...queues);
    }
    // It also gives the mutex up, so it is sent whatever has happened.
    const restored = (await link.run(foreignRestore, scriptKeys, args)) as string[];
    for (const queue of new Set(restored)) context.wake(queue);
    return restored.length;
  };

  return async ({ limit, signal }) => {
    const ours = await recoverOurs(limit, signal);
    const foreign = ours < limit && !signal.aborted ? await restoreForeign(limit - ours, signal) : 0;
    if (!signal.aborted) {
      const scriptKeys = [...topologyKeys(context), ...leaseKeys(context)];
      const gone = await link.run(expireQueues, scriptKeys, [...topologyArgs(context), keys.steps.join(','), BATCH]);
      for (const queue of gone as string[]) context.drops.tell(queue);
    }
    return ours + foreign;
  };
}
