import type { Reserved, ReserveRequest, VirtualDriver } from '@kombu/core/virtual';
import { type DriverContext, leaseHead } from './driver-context.js';
import { reserve as reserveScript } from './lua/reserve.js';
import { reserveExpired as reserveExpiredScript } from './lua/reserve-expired.js';
import type { Script } from './lua/script.js';
import { take } from './lua/take.js';
import { EncodedArgs, type ScriptArg, type ScriptHead } from './script-call.js';
import { tokenOf } from './token.js';

/** A reserve stops once it has so many bytes: a batch of large messages is not to fill the memory at both ends. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** The server is asked to tell of so many lists along with a reserve; of more it is asked after it, and only of those that need it. */
const FEW_LISTS = 16;
const NOTHING: readonly Reserved[] = [];

/** The lists to ask: all of the step that is served first, then those of the next. */
interface Lists {
  readonly names: readonly string[];
  /** The queues in the order in which they are asked, the same for each step. */
  readonly ordered: readonly string[];
  /** What a call that asks them begins with. */
  readonly head: ScriptHead;
  /** The queues, as its last arguments. */
  readonly tail: EncodedArgs;
  /** The names as arguments of their own, once somebody has needed them. */
  asArgs: EncodedArgs | undefined;
}

function asArgs(lists: Lists): EncodedArgs {
  lists.asArgs ??= new EncodedArgs(lists.names);
  return lists.asArgs;
}

/** The part of the driver that reserves: one script for a batch over all queues and priorities. */
export function createReserve(
  context: DriverContext,
  order: (queues: readonly string[]) => readonly string[],
): VirtualDriver['reserve'] {
  const { link, keys } = context;
  const serving = context.serving.join();

  /** Those that were asked last: mostly they are asked again. */
  let last: Lists | undefined;
  const listsOf = (queues: readonly string[]): Lists => {
    const ordered = queues.length > 1 ? order(queues) : queues;
    if (last?.ordered.length === ordered.length && ordered.every((queue, i) => queue === last?.ordered[i])) return last;
    const names: string[] = [];
    for (const step of context.serving) for (const queue of ordered) names.push(keys.list(queue, step));
    last = { names, ordered, head: leaseHead(context, names), tail: new EncodedArgs(ordered), asArgs: undefined };
    return last;
  };
  const queueAt = ({ ordered }: Lists, list: number): string => ordered[list % ordered.length] ?? '';
  const stepAt = ({ ordered }: Lists, list: number): string =>
    context.serving[Math.floor(list / ordered.length)] ?? '0';

  /** Whether the last reserve brought all that it asked for. */
  let busy = false;

  /**
   * Has the server tell of the next message on these lists: of all that were asked, or after a full batch, which another reserve
   * follows anyway, of those that we have cut (NOLOOP makes the server forget them). Whatever came since wakes the queues at once.
   * `listening` was sent along with the reserve; else it is sent when the handlers have been called, in one write with what they
   * have acknowledged.
   */
  const listen = (
    request: ReserveRequest,
    lists: Lists,
    cut: Iterable<number>,
    count: number,
    listening: Promise<unknown> | undefined,
  ): void => {
    const full = count >= request.max;
    busy = full;
    if (!link.tracks || (full && listening !== undefined)) return;
    const found = (number: unknown): void => {
      if (!full && Number(number) > 0) for (const queue of request.queues) context.wake(queue);
    };
    const lost = (): void => {}; // a lost link has nothing to listen to
    if (listening !== undefined) {
      listening.then(found, lost);
      return;
    }
    const args = full ? [...cut].map((list) => lists.names[list] ?? '') : asArgs(lists);
    process.nextTick(() => link.tracked('EXISTS', 'exists', args).then(found, lost));
  };

  /**
   * Sends a reserve. Where the lists are few and messages come faster than they are taken, what has the server tell of them goes
   * with it; a message for an idle consumer is not to wait for that.
   */
  const send = (script: Script, args: readonly ScriptArg[], lists: Lists) => {
    const reply = link.run(script, lists.head, args);
    if (!link.tracks || !busy || lists.names.length > FEW_LISTS) return { reply, listening: undefined };
    const listening = link.tracked('EXISTS', 'exists', asArgs(lists));
    listening.catch(() => {});
    return { reply, listening };
  };

  const reserve = (request: ReserveRequest, lists: Lists): Promise<readonly Reserved[]> => {
    const owner = context.nextOwner();
    const args = [owner, request.max, request.leaseMs, BATCH_BYTES, serving, lists.tail];
    context.unanswered.add(owner);
    const { reply, listening } = send(reserveScript, args, lists);
    return reply.then(
      (value) => {
        context.unanswered.delete(owner);
        return read(request, lists, owner, value as string[] | null, listening);
      },
      (error: unknown) => {
        // A refusal is an answer too; only a lost link leaves open what it has done.
        if (link.isOpen) context.unanswered.delete(owner);
        throw error;
      },
    );
  };

  const read = (
    request: ReserveRequest,
    lists: Lists,
    owner: string,
    reply: readonly string[] | null,
    listening: Promise<unknown> | undefined,
  ): readonly Reserved[] => {
    if (reply === null) {
      listen(request, lists, [], 0, listening);
      return NOTHING;
    }
    const runs = (reply[0] as string).split(' ').map(Number);
    const tags = (reply[1] as string).split('"');
    const cut: number[] = [];
    const got: Reserved[] = [];
    for (let r = 0; r + 1 < runs.length; r += 2) {
      const list = (runs[r] as number) - 1;
      const queue = queueAt(lists, list);
      cut.push(list);
      for (let end = got.length + (runs[r + 1] as number); got.length < end; ) {
        const i = got.length;
        got.push({ queue, token: tokenOf(tags[i] as string, owner), payload: reply[i + 2] as string });
      }
    }
    listen(request, lists, cut, got.length, listening);
    return got;
  };

  const takeAway = async (request: ReserveRequest, lists: Lists): Promise<readonly Reserved[]> => {
    const args = [request.max, BATCH_BYTES, lists.tail];
    const sent = send(take, args, lists);
    const reply = (await sent.reply) as unknown[];
    const cut = new Set<number>();
    const got: Reserved[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      const list = (reply[i] as number) - 1;
      cut.add(list);
      const queue = queueAt(lists, list);
      const payload = reply[i + 1] as string;
      got.push({ queue, token: { step: stepAt(lists, list), payload }, payload });
    }
    listen(request, lists, cut, got.length, sent.listening);
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
  const head = leaseHead(context);
  return async ({ queue, max, now, leaseMs }) => {
    const owner = context.nextOwner();
    const args = [owner, max, leaseMs, now, queue, ...keys.steps];
    const reply = (await link.run(reserveExpiredScript, head, args)) as string[];
    if (reply.length > 0) context.wake(queue); // so that its lists are listened to again
    const got: Reserved[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      got.push({ queue, token: tokenOf(reply[i] ?? '', owner), payload: reply[i + 1] ?? '' });
    }
    return got;
  };
}
