import { OperationalError } from '@kombu/core';
import type { Reserved, VirtualDriver } from '@kombu/core/virtual';
import { Claim } from './claim.js';
import type { DriverContext } from './driver-context.js';
import type { UnansweredClaim } from './kept-sessions.js';
import { parseName } from './message-name.js';
import { decodeValue, MAX_OPERATIONS, type Operation, type Outcome, transactGroups } from './transactions.js';

/** How many messages one transaction can take. */
export const MAX_RESERVE = MAX_OPERATIONS / 2;

/**
 * The operations that take a message: its claim is locked by the session and the message is read, both or nothing. With `noAck` it is
 * removed in the same step.
 */
function takeOperations({ link, layout }: DriverContext, queue: string, name: string, noAck: boolean): Operation[] {
  const claim = layout.claims(queue) + name;
  const message = layout.messages(queue) + name;
  const operations: Operation[] = [
    { KV: { Verb: 'lock', Key: claim, Session: link.session } },
    { KV: { Verb: 'get', Key: message } },
  ];
  if (noAck) operations.push({ KV: { Verb: 'delete', Key: message } }, { KV: { Verb: 'delete', Key: claim } });
  return operations;
}

function reservedOf(
  { link }: DriverContext,
  queue: string,
  name: string,
  outcome: Outcome,
  noAck: boolean,
): Reserved | undefined {
  const [lock, message] = 'entries' in outcome ? outcome.entries : [];
  if (lock === undefined || message === undefined) return undefined;
  const known = parseName(name);
  const payload = decodeValue(message.Value);
  const { LockIndex: count, ModifyIndex: index } = lock;
  return {
    queue,
    token: noAck ? undefined : new Claim({ queue, name, session: link.session, count, index, payload }),
    payload,
    redelivered: count > 1 || known?.redelivered === true,
    expiresAt: known?.expiresAt,
  };
}

/**
 * Takes messages by their names, which the queue's view has just handed out. What somebody else has taken meanwhile is left out; the
 * names are in the view's hands again.
 */
export async function take(
  context: DriverContext,
  queue: string,
  names: readonly string[],
  noAck: boolean,
): Promise<readonly Reserved[]> {
  if (names.length === 0) return [];
  const { link, views, unanswered } = context;
  const view = views.of(queue);
  const claims: UnansweredClaim[] = names.map((name) => ({ queue, name }));
  for (const claim of claims) unanswered.add(claim);
  const groups = names.map((name) => takeOperations(context, queue, name, noAck));
  let outcomes: readonly Outcome[];
  try {
    outcomes = await transactGroups(link, `taking messages of queue '${queue}'`, groups);
  } catch (error) {
    for (const name of names) view.released(name);
    // A link that goes on has had an answer: nothing was taken.
    if (link.isOpen) for (const claim of claims) unanswered.delete(claim);
    throw error;
  }
  for (const claim of claims) unanswered.delete(claim);
  const taken: Reserved[] = [];
  for (const [i, outcome] of outcomes.entries()) {
    const name = names[i] ?? '';
    const reserved = reservedOf(context, queue, name, outcome, noAck);
    if (reserved !== undefined) taken.push(reserved);
    if (reserved !== undefined && !noAck) continue;
    view.settled(name);
    if ('refused' in outcome) refused(context, queue, outcome.refused);
  }
  return taken;
}

/** Somebody else has it, or it is gone; or the session is. */
function refused({ link, views }: DriverContext, queue: string, why: string): void {
  views.of(queue).conflict();
  if (!why.startsWith('invalid session')) return;
  link.fail(new OperationalError('CONNECTION_LOST', 'the session of this connection has ended'));
}

/** The part of the driver that takes messages: a transaction for as many as it can hold. */
export function createReserve(
  context: DriverContext,
  settled: (queue: string) => Promise<unknown>,
): VirtualDriver['reserve'] {
  const { views } = context;
  const choosing = new Turns();
  const handing = new Turns();

  const choose = async (queue: string, max: number, signal: AbortSignal): Promise<readonly string[]> => {
    const view = views.of(queue);
    await settled(queue);
    if (signal.aborted) return [];
    await view.prepare();
    return view.takeNames(max);
  };

  const reserve = async (queue: string, max: number, noAck: boolean, signal: AbortSignal): Promise<Reserved[]> => {
    const taken: Reserved[] = [];
    const view = views.of(queue);
    // In one transaction: with `noAck` there are twice as many operations.
    const most = noAck ? MAX_RESERVE / 2 : MAX_RESERVE;
    let names = await choosing.take(queue, () => choose(queue, max, signal));
    try {
      while (names.length > 0 && !signal.aborted) {
        const chosen = names.slice(0, most);
        names = names.slice(most);
        const got = await take(context, queue, chosen, noAck);
        taken.push(...got);
        if (names.length > 0 || got.length === chosen.length) continue;
        await view.leaveOutClaims();
        names = view.takeNames(max - taken.length);
      }
    } catch (error) {
      // What was taken is somebody's now; what went wrong shows again at the next call.
      if (taken.length === 0) throw error;
    } finally {
      for (const name of names) view.released(name);
    }
    return taken;
  };

  // Calls overlap, but the first one chooses first, and is answered first.
  return ({ queues: [queue = ''], max, noAck, signal }) => {
    const taken = reserve(queue, max, noAck, signal);
    // It may fail before its turn has come.
    taken.catch(() => {});
    return handing.take(queue, () => taken);
  };
}

/** Has the work on a queue done in the order in which it was asked for. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  take<T>(queue: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(queue);
    const mine = before === undefined ? work() : before.then(work);
    const done = mine.then(
      () => {},
      () => {},
    );
    this.#last.set(queue, done);
    void done.then(() => (this.#last.get(queue) === done ? this.#last.delete(queue) : undefined));
    return mine;
  }
}

/** The part of the driver that takes what has expired, wherever it stands: names say when. */
export function createReserveExpired(context: DriverContext): NonNullable<VirtualDriver['reserveExpired']> {
  return async ({ queue, max, now, signal }) => {
    const view = context.views.of(queue);
    await view.refresh(signal);
    const isExpired = (name: string): boolean => (parseName(name)?.expiresAt ?? Number.POSITIVE_INFINITY) <= now;
    return signal.aborted ? [] : take(context, queue, view.takeOnly(max, isExpired), false);
  };
}
