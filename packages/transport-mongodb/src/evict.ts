import type { QueueLimits, Reserved } from '@kombu/core/virtual';
import type { ObjectId } from 'mongodb';
import type { DriverContext } from './driver-context.js';
import { Taker } from './take.js';

/** How many messages are pushed out in one call. */
const BATCH = 500;

/** A message without its envelope. */
interface Sized {
  readonly _id: ObjectId;
  readonly bytes?: number;
}

/** Size of the body in an envelope. */
function bodyBytes(text: string): number {
  try {
    const { body, properties } = JSON.parse(text) as { body?: unknown; properties?: { body_encoding?: unknown } };
    if (typeof body !== 'string') return 0;
    return Buffer.byteLength(body, properties?.body_encoding === 'base64' ? 'base64' : 'utf8');
  } catch {
    return 0;
  }
}

/**
 * Pushes out of a queue what is more than its limits allow: of the priority that is served last first, and of that the oldest. What
 * has to go is everything but what may stay, so that two who look at the same time push out the same messages, each one once.
 */
export function createEvict(
  context: DriverContext,
): (queue: string, limits: QueueLimits) => Promise<readonly Reserved[]> {
  const { link, collections, options } = context;
  const taker = new Taker(context);
  const leaseMs = options.leaseMs ?? 60_000;

  /** Size of a message of somebody who did not write it into the document. */
  const sizeOf = async (_id: ObjectId): Promise<number> => {
    const document = await collections.messages.findOne({ _id }, { projection: { payload: 1 } });
    return document === null ? 0 : bodyBytes(document.payload);
  };

  /** Ids of what has to go. What may stay comes first: the highest priority, and of that the newest. */
  const surplus = async (queue: string, { maxLength, maxLengthBytes }: QueueLimits): Promise<readonly ObjectId[]> =>
    link.run(`looking for what is too much in queue '${queue}'`, async () => {
      const found = collections.messages.find({ queue }, { sort: { priority: 1, _id: -1 } });
      if (maxLengthBytes === undefined) {
        const rest = await found
          .project({ _id: 1 })
          .skip(maxLength ?? 0)
          .toArray();
        return rest.map((document) => document._id as ObjectId);
      }
      const ids: ObjectId[] = [];
      let [count, bytes] = [0, 0];
      for await (const { _id, bytes: size } of found.project<Sized>({ bytes: 1 })) {
        bytes += size ?? (await sizeOf(_id));
        if (++count > (maxLength ?? Number.POSITIVE_INFINITY) || bytes > maxLengthBytes) ids.push(_id);
      }
      return ids;
    });

  return async (queue, limits) => {
    const ids = await surplus(queue, limits);
    const out: Reserved[] = [];
    for (let at = 0; at < ids.length; at += BATCH) {
      const _id = { $in: ids.slice(at, at + BATCH) };
      if (limits.discard) {
        await link.run(`shortening queue '${queue}'`, () => collections.messages.deleteMany({ _id, queue }));
        continue;
      }
      // One take may bring less: of large messages, or where others push out the same ones.
      for (let some = await taker.take(queue, BATCH, leaseMs, { _id }); some.length > 0; ) {
        out.push(...some);
        if (out.length >= ids.length) break;
        some = await taker.take(queue, BATCH, leaseMs, { _id });
      }
    }
    return out;
  };
}
