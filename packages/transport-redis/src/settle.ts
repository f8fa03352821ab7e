import { MessageStateError } from '@kombu/core';
import type { ItemFailure, LeaseRef, Settlement, VirtualDriver } from '@kombu/core/virtual';
import { type DriverContext, leaseHead } from './driver-context.js';
import type { Arg } from './link.js';
import { ack } from './lua/ack.js';
import { extend } from './lua/extend.js';
import { giveBack } from './lua/give-back.js';
import { putBack } from './lua/put-back.js';
import type { LeasedToken, Token } from './token.js';

const NONE: readonly never[] = [];

function lost(index: number, item: LeaseRef): ItemFailure {
  const { tag } = item.token as LeasedToken;
  return {
    index,
    error: new MessageStateError('LEASE_LOST', `message ${tag} of queue '${item.queue}' has gone to another consumer`),
  };
}

/** Reservations by owner, as the scripts take them. */
class ByOwner {
  /** For each argument list place the number of its item. */
  readonly items: number[] = [];
  readonly #groups = new Map<string, { readonly args: Arg[]; readonly numbers: number[] }>();
  #owner: string | undefined;
  #group: { readonly args: Arg[]; readonly numbers: number[] } = { args: [], numbers: [] };

  /** @param number which item of the batch it is */
  add({ tag, owner }: LeasedToken, number: number, where?: string): void {
    if (owner !== this.#owner) {
      this.#owner = owner;
      this.#group = this.#groups.get(owner) ?? { args: [], numbers: [] };
      this.#groups.set(owner, this.#group);
    }
    if (where !== undefined) this.#group.args.push(where);
    this.#group.args.push(tag);
    this.#group.numbers.push(number);
  }

  get isEmpty(): boolean {
    return this.#owner === undefined;
  }

  /** Appends the arguments; the numbers that the script returns are places in `items` from then on. */
  writeTo(args: Arg[]): Arg[] {
    for (const [owner, group] of this.#groups) {
      args.push(owner, group.numbers.length);
      for (const arg of group.args) args.push(arg);
      for (const number of group.numbers) this.items.push(number);
    }
    return args;
  }

  /** What the script says is lost. Queues that it names too are left out. */
  failures(items: readonly LeaseRef[], reply: unknown): ItemFailure[] {
    const failures: ItemFailure[] = [];
    for (const place of reply as readonly (number | string)[]) {
      if (typeof place !== 'number') continue;
      const index = this.items[place] ?? 0;
      failures.push(lost(index, items[index] as LeaseRef));
    }
    return failures;
  }
}

/** The part of the driver that ends reservations: one script for all that are done, one for all that go back. */
export function createSettle(context: DriverContext): VirtualDriver['settle'] {
  const { link } = context;
  const head = leaseHead(context);

  return async (items, o) => {
    const acks = new ByOwner();
    const backs = new ByOwner();
    const taken: Arg[] = [];
    for (let i = 0; i < items.length; i++) {
      const item = items[i] as Settlement;
      const token = item.token as Token;
      const done = item.outcome === 'ack' || item.outcome === 'drop';
      const where = item.outcome === 'requeue' ? 'b' : 'f';
      if ('payload' in token) {
        if (!done) taken.push(where, item.queue, token.step, token.payload);
      } else if (done) acks.add(token, i);
      else backs.add(token, i, where);
    }
    const acked = acks.isEmpty ? NONE : link.run(ack, head, acks.writeTo([]), o?.signal);
    const given = backs.isEmpty ? NONE : link.run(giveBack, head, backs.writeTo([]), o?.signal);
    const put = taken.length > 0 ? link.run(putBack, head, taken, o?.signal) : undefined;
    const replies = await Promise.all([acked, given, put]);
    for (const { outcome, queue } of items) if (outcome === 'requeue' || outcome === 'release') context.wake(queue);
    return [...acks.failures(items, replies[0]), ...backs.failures(items, replies[1])];
  };
}

/** The part of the driver that renews leases. */
export function createExtend(context: DriverContext): NonNullable<VirtualDriver['extend']> {
  const head = leaseHead(context);
  return async (items, leaseMs, o) => {
    const leases = new ByOwner();
    for (const [i, { token }] of items.entries()) {
      // What is in this process's memory nobody takes away.
      if (!('payload' in (token as Token))) leases.add(token as LeasedToken, i);
    }
    if (leases.isEmpty) return NONE;
    return leases.failures(items, await context.link.run(extend, head, leases.writeTo([leaseMs]), o?.signal));
  };
}
