import { MessageStateError } from '@kombu/core';
import type { ItemFailure, LeaseRef, Settlement, VirtualDriver } from '@kombu/core/virtual';
import type { Filter } from 'mongodb';
import { giveBack, type MessageDocument } from './documents.js';
import type { DriverContext } from './driver-context.js';
import { merged } from './merged.js';
import type { MessageIds } from './message-ids.js';
import type { Token } from './take.js';
import { isDuplicate } from './translate-error.js';

/** How long before the end of a lease, as this process sees it, it is not relied on any more. */
const MARGIN_MS = 50;

const NONE: readonly ItemFailure[] = [];

/** An item of a batch with its place in it. */
interface Indexed {
  readonly index: number;
  readonly queue: string;
  readonly token: Token;
}

function lost({ index, queue }: Indexed): ItemFailure {
  const what = `a message of queue '${queue}' has gone to another consumer`;
  return { index, error: new MessageStateError('LEASE_LOST', what) };
}

/** The messages, as far as they are still reserved by these calls. */
function ours(items: readonly Indexed[]): Filter<MessageDocument> {
  const owners = [...new Set(items.map(({ token }) => token.owner))];
  const ids = items.map(({ token }) => token.document._id);
  const [owner, _id] = [owners.length === 1 ? owners[0] : { $in: owners }, ids.length === 1 ? ids[0] : { $in: ids }];
  return { _id, owner } as Filter<MessageDocument>;
}

/** The envelope, marked for Python readers as delivered before. */
function flagged(payload: string): string {
  return payload.startsWith('{"body"') ? `{"redelivered":true,${payload.slice(1)}` : payload;
}

/**
 * What a message is at the back of its queue: a new document, for its place is in its id. It gets that once: when the link is lost
 * in the middle, the next one does not store it twice.
 */
function atTheBack({ queue, token }: Indexed, ids: MessageIds): MessageDocument {
  const { payload, priority, expire_at, expires_at, bytes } = token.document;
  token.again ??= ids.next();
  return {
    _id: token.again,
    payload: flagged(payload),
    queue,
    priority,
    ...(expire_at === undefined ? {} : { expire_at }),
    ...(expires_at === undefined ? {} : { expires_at }),
    ...(bytes === undefined ? {} : { bytes }),
    redelivered: true,
  };
}

/** Some of the documents were stored by an earlier try, whose answer was lost. */
function unlessThere(error: { readonly writeErrors?: readonly unknown[] | unknown }): void {
  const errors = [error.writeErrors ?? []].flat();
  if (errors.length === 0 || !errors.every(isDuplicate)) throw error;
}

/** What ends and renews reservations. */
export class Settler {
  readonly #context: DriverContext;

  constructor(context: DriverContext) {
    this.#context = context;
  }

  /**
   * Does a step to all that are ours, in one call, and tells which were not. Whose lease may have ended is asked one by one: of a
   * batch the server says no more than how many there were. Where they were too few, `isLost` judges by what is there now.
   */
  async #apply(
    items: readonly Indexed[],
    step: (filter: Filter<MessageDocument>) => Promise<number>,
    isLost: (token: Token, found: { readonly owner?: string } | undefined) => boolean,
  ): Promise<readonly ItemFailure[]> {
    const soon = this.#context.transport.clock.monotonic() + MARGIN_MS;
    const sure = items.filter(({ token }) => token.until > soon);
    const doubtful = items.filter(({ token }) => token.until <= soon);
    const together = async (): Promise<readonly ItemFailure[]> => {
      if (sure.length === 0 || (await step(ours(sure))) === sure.length) return NONE;
      const found = await this.#owners(sure);
      return sure.filter(({ token }) => isLost(token, found.get(String(token.document._id)))).map(lost);
    };
    const single = async (item: Indexed): Promise<readonly ItemFailure[]> =>
      (await step(ours([item]))) === 0 ? [lost(item)] : NONE;
    const failures = await Promise.all([together(), ...doubtful.map(single)]);
    return failures.flat();
  }

  /** Who has the messages now, as far as they are there. */
  async #owners(items: readonly Indexed[]): Promise<ReadonlyMap<string, { readonly owner?: string }>> {
    const { link, collections } = this.#context;
    const filter = { _id: { $in: items.map(({ token }) => token.document._id) } };
    const left = await link.run('looking for lost leases', () =>
      collections.messages.find(filter, { projection: { owner: 1 } }).toArray(),
    );
    return new Map(left.map((document) => [String(document._id), document]));
  }

  finish(items: readonly Indexed[]): Promise<readonly ItemFailure[]> {
    const { link, collections } = this.#context;
    const step = async (filter: Filter<MessageDocument>): Promise<number> =>
      (await link.run('acknowledging messages', () => collections.messages.deleteMany(filter))).deletedCount;
    // What is not there at all may have been removed by this very step.
    return this.#apply(items, step, (token, found) => found !== undefined && found.owner !== token.owner);
  }

  release(items: readonly Indexed[]): Promise<readonly ItemFailure[]> {
    const { link, collections } = this.#context;
    const step = async (filter: Filter<MessageDocument>): Promise<number> => {
      const work = () => collections.messages.updateMany(filter, giveBack('as it was'));
      return (await link.run('giving messages back', work)).matchedCount;
    };
    return this.#apply(items, step, (_, found) => found === undefined || found.owner !== undefined);
  }

  /** To the back: stored anew first and removed second, so that a crash may double a message, never lose it. */
  async requeue(items: readonly Indexed[], leaseMs: number): Promise<readonly ItemFailure[]> {
    const { link, collections, ids } = this.#context;
    const failures = await this.extend(items, leaseMs);
    const gone = new Set(failures.map(({ index }) => index));
    const kept = items.filter(({ index }) => !gone.has(index));
    if (kept.length === 0) return failures;
    const again = kept.map((item) => atTheBack(item, ids));
    const store = () => collections.messages.insertMany(again, { ordered: false }).catch(unlessThere);
    await link.run('requeueing messages', store);
    await link.run('requeueing messages', () => collections.messages.deleteMany(ours(kept)));
    return failures;
  }

  async extend(items: readonly Indexed[], leaseMs: number): Promise<readonly ItemFailure[]> {
    const { link, collections, clock, transport } = this.#context;
    const until = transport.clock.monotonic() + leaseMs;
    const step = async (filter: Filter<MessageDocument>): Promise<number> => {
      const work = () => collections.messages.updateMany(filter, { $set: { locked_until: clock.in(leaseMs) } });
      return (await link.run('renewing leases', work)).matchedCount;
    };
    const failures = await this.#apply(items, step, (token, found) => found?.owner !== token.owner);
    const gone = new Set(failures.map(({ index }) => index));
    for (const { index, token } of items) token.until = gone.has(index) ? 0 : until;
    return failures;
  }
}

function indexed(items: readonly LeaseRef[], keep: (item: Settlement) => boolean): readonly Indexed[] {
  const kept: Indexed[] = [];
  for (const [index, item] of items.entries()) {
    if (item.token !== undefined && keep(item as Settlement)) {
      kept.push({ index, queue: item.queue, token: item.token as Token });
    }
  }
  return kept;
}

const isDone = ({ outcome }: Settlement): boolean => outcome === 'ack' || outcome === 'drop';

/** The part of the driver that ends reservations. What goes back does so in turn with reserves, what is done need not. */
export function createSettle(context: DriverContext): VirtualDriver['settle'] {
  const settler = new Settler(context);
  const finish = merged((items: readonly Indexed[]) => settler.finish(items));
  const leaseMs = context.options.leaseMs ?? 60_000;
  return async (items) => {
    const done = indexed(items, isDone);
    if (done.length === items.length) return finish(done);
    const released = indexed(items, ({ outcome }) => outcome === 'release');
    const requeued = indexed(items, ({ outcome }) => outcome === 'requeue');
    const back = context.inTurn(async () => {
      const first = released.length === 0 ? [] : await settler.release(released);
      return [...first, ...(requeued.length === 0 ? [] : await settler.requeue(requeued, leaseMs))];
    });
    const [finished, given] = await Promise.all([done.length === 0 ? [] : finish(done), back]);
    for (const queue of new Set([...released, ...requeued].map((item) => item.queue))) context.wake(queue);
    return [...finished, ...given];
  };
}

/** The part of the driver that renews leases. */
export function createExtend(context: DriverContext): NonNullable<VirtualDriver['extend']> {
  const settler = new Settler(context);
  return (items, leaseMs) =>
    settler.extend(
      indexed(items, () => true),
      leaseMs,
    );
}
