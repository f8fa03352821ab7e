import type { VirtualDriver } from '@kombu/core/virtual';
import type { Filter } from 'mongodb';
import { giveBack, type MessageDocument } from './documents.js';
import type { DriverContext } from './driver-context.js';
import type { Topology } from './topology.js';

/** How many queues one sweep removes at most. */
const MAX_QUEUES = 100;

/**
 * The part of the driver that puts back what dead consumers held: one update for all of them. On the same occasion the server is
 * asked for its time, and queues whose time without use is over are removed.
 */
export function createRecover(context: DriverContext, topology: Topology): NonNullable<VirtualDriver['recover']> {
  const { link, collections, clock, transport } = context;
  const { db, messages, declarations } = collections;

  const learn = async (): Promise<void> => {
    const sent = transport.clock.monotonic();
    const { localTime } = await link.run('asking for the time', () => db.admin().command({ hello: 1 }));
    if (localTime instanceof Date) clock.learn(localTime, sent, transport.clock.monotonic());
  };

  const putBack = async (): Promise<number> => {
    const ended: Filter<MessageDocument> = { locked_until: { $lt: clock.in() } };
    const queues = await link.run('looking for leases that have ended', () => messages.distinct('reserved', ended));
    if (queues.length === 0) return 0;
    const work = () => messages.updateMany(ended, giveBack('redelivered'));
    const { modifiedCount } = await link.run('putting messages of dead consumers back', work);
    for (const queue of queues) if (typeof queue === 'string') context.wake(queue);
    return modifiedCount;
  };

  const expireQueues = async (signal: AbortSignal): Promise<void> => {
    const over = { kind: { $in: ['queue', 'ending'] }, expires_at: { $lte: clock.in() } } as const;
    const found = await link.run('looking for queues that are not used any more', () =>
      declarations.find(over, { limit: MAX_QUEUES, projection: { queue: 1 } }).toArray(),
    );
    for (const { queue } of found) {
      if (signal.aborted) return;
      if (queue !== undefined) await topology.expire(queue);
    }
  };

  return async ({ signal }) => {
    await learn();
    const count = await putBack();
    if (!signal.aborted) await expireQueues(signal);
    return count;
  };
}
