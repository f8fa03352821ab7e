import { KombuError, MessageStateError, OperationalError } from '@kombu/core';
import type { ItemFailure, Settlement, VirtualDriver } from '@kombu/core/virtual';
import type { Claim } from './claim.js';
import { type DriverContext, nameAll } from './driver-context.js';
import { parseName } from './message-name.js';
import { encodeValue, MAX_TRANSACTION_BYTES, type Operation, transact, transactGroups } from './transactions.js';

/** A settlement on its way. */
interface Step {
  readonly index: number;
  readonly claim: Claim;
  readonly outcome: Settlement['outcome'];
  /** With 'requeue': the name behind all others. */
  readonly back: string;
}

function lost({ queue }: Claim): KombuError {
  return new MessageStateError('LEASE_LOST', `a message of queue '${queue}' is gone, or somebody else's by now`);
}

/** The part of the driver that ends reservations: many in one transaction, each of them wholly or not at all. */
export function createSettle(context: DriverContext): {
  readonly settle: VirtualDriver['settle'];
  /** Resolves when nothing is on its way any more that makes messages of the queue ready. */
  readonly settled: (queue: string) => Promise<unknown>;
} {
  const { link, layout, views } = context;
  const { session } = link;
  const returning = new Map<string, Set<Promise<unknown>>>();

  const operationsOf = ({ claim, outcome, back }: Step): Operation[] => {
    const Key = layout.claims(claim.queue) + claim.name;
    const message: Operation = { KV: { Verb: 'delete', Key: layout.messages(claim.queue) + claim.name } };
    const end: Operation = { KV: { Verb: 'delete-cas', Key, Index: claim.index } };
    if (outcome === 'ack' || outcome === 'drop') return [end, message];
    // What remains of the claim says that it was delivered before.
    if (outcome === 'release') return claim.count > 1 ? [{ KV: { Verb: 'unlock', Key, Session: session } }] : [end];
    const put: Operation = {
      KV: { Verb: 'set', Key: layout.messages(claim.queue) + back, Value: encodeValue(claim.payload) },
    };
    // It is made anew only as long as it is this session's.
    const check: Operation = { KV: { Verb: 'check-session', Key, Session: session } };
    return isLarge(claim) ? [check, end, message] : [check, end, message, put];
  };

  const stepsOf = async (items: readonly Settlement[], failures: ItemFailure[]): Promise<readonly Step[]> => {
    const known = items.map((item, index) => ({ index, claim: item.token as Claim, outcome: item.outcome }));
    const alive = known.filter(({ index, claim }) => {
      if (claim.session === session) return true;
      failures.push({ index, error: lost(claim) });
      return false;
    });
    const requeued = alive.filter(({ outcome }) => outcome === 'requeue');
    const wanted = requeued.map(({ claim }) => {
      const { priority = 0, bytes = 0, expiresAt } = parseName(claim.name) ?? {};
      return { priority, bytes, expiresAt, redelivered: true };
    });
    const names = wanted.length === 0 ? [] : await nameAll(context, wanted);
    const backs = new Map(requeued.map((step, i) => [step.index, names[i] ?? '']));
    return alive.map((step) => ({ ...step, back: backs.get(step.index) ?? '' }));
  };

  /**
   * A message that does not fit into a transaction is written to the back first, if it is still this session's. Until its old key is
   * gone it is there twice: a crash in between doubles it.
   */
  const putLarge = async ({ claim, back }: Step): Promise<void> => {
    const { kv } = link.client;
    const check = { Verb: 'check-session', Key: layout.claims(claim.queue) + claim.name, Session: session } as const;
    const { Errors } = await transact(link, 'putting a message back', [{ KV: check }]);
    if (Errors !== null) return;
    const key = layout.messages(claim.queue) + back;
    await link.call('putting a message back', (o) => kv.set({ key, value: claim.payload, cas: 0, ...o } as never));
  };
  const undoLarge = async ({ claim, back }: Step): Promise<void> => {
    const { kv } = link.client;
    await link.call('removing a message', (o) => kv.del({ key: layout.messages(claim.queue) + back, ...o } as never));
  };

  const settle = async (items: readonly Settlement[]): Promise<readonly ItemFailure[]> => {
    const failures: ItemFailure[] = [];
    const steps = await stepsOf(items, failures);
    const large = steps.filter(({ outcome, claim }) => outcome === 'requeue' && isLarge(claim));
    for (const step of large) await putLarge(step);
    const outcomes = await transactGroups(link, 'settling messages', steps.map(operationsOf));
    for (const [i, step] of steps.entries()) {
      const { claim, outcome, index } = step;
      const result = outcomes[i];
      const view = views.of(claim.queue);
      if (outcome === 'ack' || outcome === 'drop') view.settled(claim.name);
      else view.released(claim.name);
      if (result === undefined || 'entries' in result) continue;
      if (large.includes(step)) await undoLarge(step);
      // A claim ends by this session alone while that lives: an earlier try has done it, or the queue was deleted.
      if (result.refused.endsWith("doesn't exist") && (await lives())) continue;
      failures.push({ index, error: lost(claim) });
    }
    return failures;
  };

  /** A settlement that is given up would hide its message as long as the session lives: the next link, which goes on with it, settles. */
  const giveUp = (error: unknown): never => {
    if (!KombuError.is(error, 'ERR_KOMBU_BROKER_BUSY')) throw error;
    const lost = new OperationalError('CONNECTION_LOST', error.message, { cause: error.cause });
    link.fail(lost);
    throw lost;
  };

  const lives = (): Promise<boolean> =>
    link.renew().then(
      () => true,
      () => false,
    );

  const track = (queues: ReadonlySet<string>, work: Promise<unknown>): void => {
    const done = work.catch(() => {});
    for (const queue of queues) {
      const all = returning.get(queue) ?? new Set();
      returning.set(queue, all.add(done));
      done.then(() => {
        all.delete(done);
        if (all.size === 0) returning.delete(queue);
      });
    }
  };

  return {
    settle(items) {
      const work = settle(items).catch(giveUp);
      const queues = new Set(
        items.filter(({ outcome }) => outcome === 'requeue' || outcome === 'release').map(({ queue }) => queue),
      );
      if (queues.size > 0) track(queues, work);
      return work;
    },
    settled: (queue) => Promise.all(returning.get(queue) ?? []),
  };
}

/** Whether the message does not fit into a transaction, base64 and all. */
function isLarge({ payload }: Claim): boolean {
  return Buffer.byteLength(payload) * 4 > (MAX_TRANSACTION_BYTES - 2000) * 3;
}
