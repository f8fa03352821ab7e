import { type DriverContext, leaseArgs, leaseKeys } from './driver-context.js';
import type { Arg } from './link.js';
import { giveBack } from './lua/give-back.js';

/** Gives everything that these owners have reserved back to the front of its queues. Nobody has seen it: it is not flagged. */
export async function giveBackAll(context: DriverContext, owners: readonly string[]): Promise<void> {
  if (owners.length === 0) return;
  const args: Arg[] = leaseArgs(context);
  for (const owner of owners) args.push(owner, 0);
  const queues = (await context.link.run(giveBack, leaseKeys(context), args)) as string[];
  for (const queue of queues) context.wake(queue);
}
