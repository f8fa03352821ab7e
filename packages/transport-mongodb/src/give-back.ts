import type { Filter } from 'mongodb';
import { giveBack, type MessageDocument } from './documents.js';
import type { DriverContext } from './driver-context.js';

/** Gives back what reserves have taken whose answer was lost with their link. Nobody has seen it: it is not flagged. */
export async function giveBackAll(context: DriverContext, owners: readonly string[]): Promise<void> {
  if (owners.length === 0) return;
  const { link, collections } = context;
  const taken: Filter<MessageDocument> = { locked_until: { $exists: true }, owner: { $in: [...owners] } };
  const queues = await link.run('looking for what was taken', () => collections.messages.distinct('reserved', taken));
  if (queues.length === 0) return;
  await link.run('giving back what was taken', () => collections.messages.updateMany(taken, giveBack('as it was')));
  for (const queue of queues) if (typeof queue === 'string') context.wake(queue);
}
