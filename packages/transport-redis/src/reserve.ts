import type { Reserved, ReserveRequest, VirtualDriver } from '@kombu/core/virtual';
import { type DriverContext, leaseArgs, leaseKeys } from './driver-context.js';
import type { Arg } from './link.js';
import { reserve as reserveScript } from './lua/reserve.js';
import { reserveExpired as reserveExpiredScript } from './lua/reserve-expired.js';
import { take } from './lua/take.js';
import { tokenOf } from './token.js';

/** A reserve stops once it has so many bytes: a batch of large messages is not to fill the memory at both ends. */
const BATCH_BYTES = 4 * 1024 * 1024;
const NOTHING: readonly Reserved[] = [];

/** The lists to ask, with their queues and steps: all lists of the step that is served first, then those of the next. */
interface Lists {
  readonly names: readonly string[];
  readonly queues: readonly string[];
  readonly steps: readonly string[];
}

/** The part of the driver that reserves: one script for a batch over all queues and priorities. */
export function createReserve(
  context: DriverContext,
  order: (queues: readonly string[]) => readonly string[],
): VirtualDriver['reserve'] {
  const { link, keys } = context;

  const listsOf = (queues: readonly string[]): Lists => {
    const names: string[] = [];
    const queuesOfLists: string[] = [];
    const steps: string[] = [];
    const ordered = queues.length > 1 ? order(queues) : queues;
    for (const step of context.serving) {
      for (const queue of ordered) {
        names.push(keys.list(queue, step));
        queuesOfLists.push(queue);
        steps.push(step);
      }
    }
    return { names, queues: queuesOfLists, steps };
  };

  /**
   * Has the server tell of the next message on these lists, right behind the script that has emptied them. Whatever came in
   * between, or was left because the batch was large, wakes the queues at once.
   */
  const listen = (request: ReserveRequest, lists: Lists): ((count: number) => void) => {
    if (!link.tracks) return () => {};
    const there = link.tracked('EXISTS', 'exists', lists.names);
    const wakeIfAny = (found: unknown): void => {
      if (Number(found) > 0) for (const queue of request.queues) context.wake(queue);
    };
    there.catch(() => {});
    return (count) => {
      // A full batch is followed by another reserve anyway.
      if (count < request.max) there.then(wakeIfAny, () => {});
    };
  };

  const reserve = async (request: ReserveRequest, lists: Lists): Promise<readonly Reserved[]> => {
    const owner = context.nextOwner();
    const args: Arg[] = [...leaseArgs(context), owner, request.max, request.leaseMs, BATCH_BYTES];
    for (const [i, queue] of lists.queues.entries()) args.push(queue, lists.steps[i] ?? '0');
    context.unanswered.add(owner);
    const reserving = link.run(reserveScript, [...leaseKeys(context), ...lists.names], args);
    const listening = listen(request, lists);
    const reply = (await reserving) as unknown[];
    context.unanswered.delete(owner);
    listening(reply.length / 3);
    if (reply.length === 0) return NOTHING;
    const got: Reserved[] = [];
    for (let i = 0; i + 2 < reply.length; i += 3) {
      const queue = lists.queues[(reply[i] as number) - 1] ?? '';
      got.push({ queue, token: tokenOf(reply[i + 1] as string, owner), payload: reply[i + 2] as string });
    }
    return got;
  };

  const takeAway = async (request: ReserveRequest, lists: Lists): Promise<readonly Reserved[]> => {
    const args: Arg[] = [...leaseArgs(context), request.max, BATCH_BYTES, ...lists.queues];
    const taking = link.run(take, [...leaseKeys(context), ...lists.names], args);
    const listening = listen(request, lists);
    const reply = (await taking) as unknown[];
    listening(reply.length / 2);
    if (reply.length === 0) return NOTHING;
    const got: Reserved[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      const list = (reply[i] as number) - 1;
      const queue = lists.queues[list] ?? '';
      const payload = reply[i + 1] as string;
      got.push({ queue, token: { step: lists.steps[list] ?? '0', payload }, payload });
    }
    return got;
  };

  return (request) => {
    const lists = listsOf(request.queues);
    return request.noAck || !context.options.ackEmulation ? takeAway(request, lists) : reserve(request, lists);
  };
}

/** The part of the driver that takes messages off the head of a queue because their time is over. */
export function createReserveExpired(context: DriverContext): NonNullable<VirtualDriver['reserveExpired']> {
  const { link, keys } = context;
  return async ({ queue, max, now, leaseMs }) => {
    const owner = context.nextOwner();
    const args: Arg[] = [...leaseArgs(context), owner, max, leaseMs, now, queue, ...keys.steps];
    const reply = (await link.run(reserveExpiredScript, leaseKeys(context), args)) as string[];
    const got: Reserved[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      got.push({ queue, token: tokenOf(reply[i] ?? '', owner), payload: reply[i + 1] ?? '' });
    }
    return got;
  };
}
