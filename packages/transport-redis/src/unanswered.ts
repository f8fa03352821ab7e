import { type DriverContext, leaseArgs, leaseKeys } from './driver-context.js';
import type { Arg } from './link.js';
import { giveBack } from './lua/give-back.js';

/** Connections that are remembered at most; one that never comes back is forgotten in the end. */
const MAX_CONNECTIONS = 1000;

/**
 * Reserves whose answer was lost with their link. What they took is hidden until its lease ends, although nobody has it: the next
 * link of the same connection gives it back at once.
 */
export class Unanswered {
  readonly #byConnection = new Map<string, readonly string[]>();

  /** Keeps the owners that a lost link was still waiting for. */
  keep(connectionId: string, owners: ReadonlySet<string>): void {
    if (owners.size === 0) return;
    const all = [...(this.#byConnection.get(connectionId) ?? []), ...owners];
    this.#byConnection.delete(connectionId);
    this.#byConnection.set(connectionId, all);
    const [oldest] = this.#byConnection.keys();
    if (this.#byConnection.size > MAX_CONNECTIONS && oldest !== undefined) this.#byConnection.delete(oldest);
  }

  /** Takes what was kept. */
  take(connectionId: string): readonly string[] {
    const owners = this.#byConnection.get(connectionId) ?? [];
    this.#byConnection.delete(connectionId);
    return owners;
  }
}

/** Gives everything that these owners have reserved back to the front of its queues. Nobody has seen it: it is not flagged. */
export async function giveBackAll(context: DriverContext, owners: readonly string[]): Promise<void> {
  if (owners.length === 0) return;
  const args: Arg[] = leaseArgs(context);
  for (const owner of owners) args.push(owner, 0);
  const queues = (await context.link.run(giveBack, leaseKeys(context), args)) as string[];
  for (const queue of queues) context.wake(queue);
}
