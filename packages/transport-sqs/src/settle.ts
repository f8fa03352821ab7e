import { KombuError } from '@kombu/core';
import type { ItemFailure, LeaseRef, Settlement, VirtualDriver } from '@kombu/core/virtual';
import type { SqsLink } from './link.js';
import type { SqsBackoffPolicy } from './options.js';
import type { SqsQueue } from './queue.js';
import type { Queues } from './queues.js';
import { type Receipt, secondsOf } from './reserve.js';

/** How long a message that was received so often stays hidden when it is requeued, in milliseconds. */
export function backoffMs(policy: SqsBackoffPolicy | undefined, count: number): number {
  if (policy === undefined) return 0;
  if (typeof policy === 'function') return policy(count);
  let at: number | undefined;
  for (const known of Object.keys(policy).map(Number)) if (known <= count && known >= (at ?? 0)) at = known;
  return at === undefined ? 0 : (policy[at] ?? 0);
}

/** Does something for each item, all of a queue together, and collects what failed. */
function each<T extends LeaseRef>(
  queues: Queues,
  items: readonly T[],
  act: (queue: SqsQueue, item: T, done: (error: KombuError | undefined) => void) => void,
): Promise<ItemFailure[]> {
  return new Promise((resolve) => {
    const failures: ItemFailure[] = [];
    const touched = new Set<SqsQueue>();
    let open = 1;
    const answered = (index: number, error: KombuError | undefined): void => {
      if (error !== undefined) failures.push({ index, error });
      if (--open === 0) resolve(failures);
    };
    for (const [index, item] of items.entries()) {
      open++;
      const queue = queues.get(item.queue);
      touched.add(queue);
      act(queue, item, (error) => answered(index, error));
    }
    for (const queue of touched) {
      queue.removals.flush();
      queue.visibilities.flush();
    }
    answered(-1, undefined);
  });
}

function lost({ error }: ItemFailure): boolean {
  return KombuError.is(error, 'ERR_KOMBU_CONNECTION_LOST');
}

/** The part of the driver that ends reservations. With the link gone nothing counts as settled: the next link does it again. */
export function createSettle(link: SqsLink, queues: Queues): VirtualDriver['settle'] {
  return async (items) => {
    link.check();
    const failures = await each(queues, items, (queue, item: Settlement, done) => {
      const { handle, count } = item.token as Receipt;
      const { outcome } = item;
      if (outcome === 'ack' || outcome === 'drop') queue.removals.add(handle, done);
      else {
        const ms = outcome === 'release' ? 0 : (item.delayMs ?? backoffMs(queue.backoffPolicy, count));
        queue.visibilities.add({ handle, seconds: secondsOf(ms) }, done);
      }
    });
    const broken = failures.find(lost);
    if (broken !== undefined) throw broken.error;
    return failures;
  };
}

/** The part of the driver that renews leases. What could not be renewed just now is still held: its turn comes again. */
export function createExtend(link: SqsLink, queues: Queues): NonNullable<VirtualDriver['extend']> {
  return async (items, leaseMs) => {
    link.check();
    const seconds = secondsOf(leaseMs);
    const failures = await each(queues, items, (queue, { token }, done) =>
      queue.visibilities.add({ handle: (token as Receipt).handle, seconds }, done),
    );
    const own = failures.filter(({ error }) => KombuError.is(error, 'ERR_KOMBU_LEASE_LOST'));
    const other = failures.find((failure) => !own.includes(failure));
    if (other !== undefined && own.length === 0) throw other.error;
    return own;
  };
}
