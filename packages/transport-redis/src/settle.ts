import { MessageStateError } from '@kombu/core';
import type { ItemFailure, LeaseRef, VirtualDriver } from '@kombu/core/virtual';
import { type DriverContext, leaseArgs, leaseKeys } from './driver-context.js';
import type { Arg } from './link.js';
import { ack } from './lua/ack.js';
import { extend } from './lua/extend.js';
import { giveBack } from './lua/give-back.js';
import { putBack } from './lua/put-back.js';
import type { LeasedToken, Token } from './token.js';

const NONE: readonly ItemFailure[] = [];

function lost(index: number, item: LeaseRef): ItemFailure {
  const { tag } = item.token as LeasedToken;
  return {
    index,
    error: new MessageStateError('LEASE_LOST', `message ${tag} of queue '${item.queue}' has gone to another consumer`),
  };
}

/** The part of the driver that ends reservations: one script for all that are done, one for all that go back. */
export function createSettle(context: DriverContext): VirtualDriver['settle'] {
  const { link } = context;

  return async (items, o) => {
    const acks: Arg[] = leaseArgs(context);
    const backs: Arg[] = leaseArgs(context);
    const taken: Arg[] = leaseArgs(context);
    const acked: number[] = [];
    const given: number[] = [];
    for (const [i, item] of items.entries()) {
      const token = item.token as Token;
      const done = item.outcome === 'ack' || item.outcome === 'drop';
      const where = item.outcome === 'requeue' ? 'b' : 'f';
      if ('payload' in token) {
        if (!done) taken.push(where, item.queue, token.step, token.payload);
      } else if (done) {
        acks.push(token.tag, token.owner);
        acked.push(i);
      } else {
        backs.push(token.tag, token.owner, where);
        given.push(i);
      }
    }
    const keys = leaseKeys(context);
    const replies = await Promise.all([
      acked.length > 0 ? link.run(ack, keys, acks, o?.signal) : undefined,
      given.length > 0 ? link.run(giveBack, keys, backs, o?.signal) : undefined,
      taken.length > 4 ? link.run(putBack, keys, taken, o?.signal) : undefined,
    ]);
    for (const { outcome, queue } of items) if (outcome === 'requeue' || outcome === 'release') context.wake(queue);
    const failures: ItemFailure[] = [];
    for (const [k, indexes] of [acked, given].entries()) {
      for (const n of (replies[k] as number[] | undefined) ?? []) {
        const index = indexes[n];
        const item = index === undefined ? undefined : items[index];
        if (index !== undefined && item !== undefined) failures.push(lost(index, item));
      }
    }
    return failures.length === 0 ? NONE : failures;
  };
}

/** The part of the driver that renews leases. */
export function createExtend(context: DriverContext): NonNullable<VirtualDriver['extend']> {
  return async (items, leaseMs, o) => {
    const args: Arg[] = [...leaseArgs(context), leaseMs];
    const leased: number[] = [];
    for (const [i, { token }] of items.entries()) {
      if ('payload' in (token as Token)) continue; // in this process's memory: nobody takes it away
      args.push((token as LeasedToken).tag, (token as LeasedToken).owner);
      leased.push(i);
    }
    if (leased.length === 0) return NONE;
    const reply = (await context.link.run(extend, leaseKeys(context), args, o?.signal)) as number[];
    return reply.map((n) => lost(leased[n] ?? 0, items[leased[n] ?? 0] as LeaseRef));
  };
}
