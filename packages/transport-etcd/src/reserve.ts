import type { Reserved, ReserveRequest, VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { parseName } from './message-name.js';
import { endOf, exists, keysFrom, nested, type Operation, put, read, remove, unchanged } from './requests.js';
import { sessionEnded } from './session.js';
import { isRefusal } from './translate-error.js';
import { withdraw } from './withdraw.js';

/** How many names at the head of a queue are looked at for expired messages. */
const EXPIRED_NAMES = 500;
/** Where others take from the same queue, up to so many times what is asked for is left to them. */
const SKIPPED_SHARES = 4;

/** Names a claim: the key of the message and the revision in which it was claimed. */
export interface Claim {
  readonly name: string;
  readonly revision: string;
}

/**
 * Claims messages for this session, each for itself: those that are there and that nobody else has claimed are returned, with their
 * payloads. `taken` for good: they are removed in the same step.
 */
export async function claim(
  context: DriverContext,
  queue: string,
  names: readonly string[],
  how: 'claimed' | 'taken',
): Promise<Reserved[]> {
  const { link, keys, session, claims } = context;
  const messages = keys.messages(queue);
  const claimed = keys.claims(queue);
  const holder = Buffer.from(session.id);
  const success: Operation[] = names.map((name) => {
    const [message, mine] = [messages + name, claimed + name];
    const hold = how === 'claimed' ? put(mine, holder) : remove(message);
    return nested({ compare: [exists(message, true), exists(mine, false)], success: [read(message), hold] });
  });
  const isNew = how === 'claimed' && !claims.queues.has(queue);
  if (isNew) success.push(put(keys.held(session.id, queue), ''));
  let answer: Awaited<ReturnType<typeof link.txn>>;
  try {
    answer = await claims.ask(() => {
      const compare = [unchanged(keys.session(session.id), session.revision)];
      return link.txn(`reserving from queue '${queue}'`, { compare, success });
    });
  } catch (error) {
    if (how === 'claimed' && !isRefusal(error)) {
      claims.unanswered();
      // Where it does not succeed, the link ends.
      if (link.isOpen) withdraw(context, queue, names).catch(() => {});
    }
    throw error;
  }
  if (!answer.succeeded) throw sessionEnded(link);
  if (isNew) claims.queues.add(queue);
  const { revision } = answer.header;
  const found: Reserved[] = [];
  for (const [i, name] of names.entries()) {
    const message = answer.responses[i]?.response_txn;
    const value = message?.succeeded ? message.responses[0]?.response_range.kvs[0]?.value : undefined;
    if (value === undefined) continue;
    if (how === 'claimed') claims.claimed(claimed + name, revision);
    const parsed = parseName(name);
    found.push({
      queue,
      token: how === 'claimed' ? ({ name, revision } satisfies Claim) : undefined,
      payload: value.toString('utf8'),
      redelivered: parsed?.redelivered ?? false,
      expiresAt: parsed?.expiresAt,
    });
  }
  return found;
}

/** The part of the driver that reserves. */
export function createReserve(context: DriverContext): VirtualDriver['reserve'] {
  const { lines } = context;
  /** Queues whose first messages others were quicker to take. */
  const contended = new Set<string>();

  const fill = async (queue: string, found: Reserved[], request: ReserveRequest): Promise<void> => {
    const line = lines.of(queue);
    // Fewer than were asked for say that there are no more.
    for (
      let want = request.max - found.length;
      want > 0 && !request.signal.aborted;
      want = request.max - found.length
    ) {
      const skip = contended.has(queue) ? want * Math.floor(Math.random() * SKIPPED_SHARES) : 0;
      const names = await lines.take(queue, line, want, skip);
      if (names.length === 0) return;
      const got = await claim(context, queue, names, request.noAck ? 'taken' : 'claimed').catch((error: unknown) => {
        // Nobody else has tried these names.
        line.reset();
        throw error;
      });
      if (got.length < names.length) contended.add(queue);
      else contended.delete(queue);
      found.push(...got);
    }
  };

  const reserve = async (request: ReserveRequest): Promise<readonly Reserved[]> => {
    await context.order.settled();
    const found: Reserved[] = [];
    for (const queue of request.queues) {
      if (found.length >= request.max || request.signal.aborted) break;
      try {
        await fill(queue, found, request);
      } catch (error) {
        // What was taken before is handed over; the next reserve meets the error again.
        if (found.length === 0) throw error;
        break;
      }
    }
    return found;
  };

  /** The last reserve of each queue that has not been answered. */
  const last = new Map<string, Promise<unknown>>();

  return (request) => {
    const before = request.queues.map((queue) => last.get(queue));
    const taken = reserve(request);
    // Names are chosen in the order of the calls; so they are answered in that order, too.
    const done = Promise.allSettled([...before, taken]);
    const answer = done.then(() => taken);
    for (const queue of request.queues) last.set(queue, done);
    void done.then(() => {
      for (const queue of request.queues) if (last.get(queue) === done) last.delete(queue);
    });
    return answer;
  };
}

/** The part of the driver that reserves what has expired at the head of a queue: names say when. */
export function createReserveExpired(context: DriverContext): NonNullable<VirtualDriver['reserveExpired']> {
  const { link, keys } = context;
  return async ({ queue, max, now }) => {
    const prefix = keys.messages(queue);
    const what = `looking for expired messages of queue '${queue}'`;
    const { responses } = await link.txn(what, { success: [keysFrom(prefix, endOf(prefix), EXPIRED_NAMES)] });
    const names = (responses[0]?.response_range.kvs ?? []).map(({ key }) => key.toString('latin1', prefix.length));
    const expired = names.filter((name) => (parseName(name)?.expiresAt ?? Number.POSITIVE_INFINITY) <= now);
    return expired.length === 0 ? [] : claim(context, queue, expired.slice(0, max), 'claimed');
  };
}
