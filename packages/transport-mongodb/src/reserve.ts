import type { Reserved, VirtualDriver } from '@kombu/core/virtual';
import type { Filter } from 'mongodb';
import type { MessageDocument } from './documents.js';
import type { DriverContext } from './driver-context.js';
import { Taker, type Token } from './take.js';

const NOTHING: readonly Reserved[] = [];

/** The part of the driver that reserves. Of several queues one call tells which have anything. */
export function createReserve(context: DriverContext): VirtualDriver['reserve'] {
  const { link, collections } = context;
  const taker = new Taker(context);

  const filled = async (queues: readonly string[]): Promise<readonly string[]> => {
    if (queues.length === 1) return queues;
    const among: Filter<MessageDocument> = { queue: { $in: [...queues] } };
    const found = await link.run('looking for queues that have messages', () =>
      collections.messages.distinct('queue', among),
    );
    return queues.filter((queue) => found.includes(queue));
  };

  /** Takes the messages away for good; until then their lease keeps them. */
  const forGood = async (reserved: readonly Reserved[]): Promise<readonly Reserved[]> => {
    const _id = { $in: reserved.map(({ token }) => (token as Token).document._id) };
    const owner = { $in: [...new Set(reserved.map(({ token }) => (token as Token).owner))] };
    await link.run('taking messages', () => collections.messages.deleteMany({ _id, owner }));
    return reserved.map((one) => ({ ...one, token: undefined }));
  };

  return ({ queues, max, leaseMs, noAck, signal }) =>
    context.inTurn(async () => {
      if (signal.aborted) return NOTHING;
      const got: Reserved[] = [];
      for (const queue of await filled(queues)) {
        if (got.length >= max || signal.aborted) break;
        try {
          got.push(...(await taker.take(queue, max - got.length, leaseMs)));
        } catch (error) {
          // What was taken before is handed over; the next reserve meets the error again.
          if (got.length === 0) throw error;
          break;
        }
      }
      return noAck && got.length > 0 ? forGood(got) : got;
    });
}

/** The part of the driver that takes messages because their time is over. */
export function createReserveExpired(context: DriverContext): NonNullable<VirtualDriver['reserveExpired']> {
  const taker = new Taker(context);
  return ({ queue, max, now, leaseMs }) =>
    context.inTurn(() => taker.take(queue, max, leaseMs, { expires_at: { $lte: context.clock.of(now) } }));
}
