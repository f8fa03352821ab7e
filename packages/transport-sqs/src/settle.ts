import { deferred, InvalidOptionError, KombuError } from '@kombu/core';
import type { LeaseRef, Settlement, VirtualDriver } from '@kombu/core/virtual';
import { eachItem } from './each-item.js';
import type { SqsLink } from './link.js';
import type { SqsBackoffPolicy } from './options.js';
import type { Queues } from './queues.js';
import { type Receipt, secondsOf } from './reserve.js';

/** How long a message that was received so often stays hidden when it is requeued, in milliseconds. */
export function backoffMs(policy: SqsBackoffPolicy | undefined, count: number): number {
  if (policy === undefined) return 0;
  if (typeof policy === 'function') {
    const ms: unknown = policy(count);
    if (typeof ms === 'number' && ms >= 0) return ms;
    throw new InvalidOptionError(`transport option 'backoffPolicy' gave ${ms} for count ${count}, not milliseconds`);
  }
  let at: number | undefined;
  for (const known of Object.keys(policy).map(Number)) if (known <= count && known >= (at ?? 0)) at = known;
  return at === undefined ? 0 : (policy[at] ?? 0);
}

function settling({ queue }: LeaseRef): string {
  return `settling a message of queue '${queue}'`;
}

/**
 * The part of the driver that ends reservations. What the link is lost for does not count as settled: the next link does it again.
 */
export function createSettle(link: SqsLink, queues: Queues): VirtualDriver['settle'] {
  return async (items) => {
    link.check();
    return eachItem(items, settling, (item: Settlement, done) => {
      const { queue: name, outcome, token, delayMs } = item;
      const { handle, count } = token as Receipt;
      const queue = queues.get(name);
      if (outcome === 'ack' || outcome === 'drop') {
        queue.removals.add(handle, done);
        return queue.removals;
      }
      const ms = outcome === 'release' ? 0 : (delayMs ?? backoffMs(queue.backoffPolicy, count));
      const end = (): void => queue.visibilities.add({ handle, seconds: secondsOf(ms) }, done);
      const extending = queue.extending.get(handle);
      if (extending === undefined) end();
      // An extension that came later would hide what nobody holds.
      else {
        void extending.then(() => {
          end();
          queue.visibilities.flush();
        });
      }
      return queue.visibilities;
    });
  };
}

/** The part of the driver that renews leases. What could not be renewed just now is still held: its turn comes again. */
export function createExtend(link: SqsLink, queues: Queues): NonNullable<VirtualDriver['extend']> {
  return async (items, leaseMs) => {
    link.check();
    const seconds = secondsOf(leaseMs);
    const failures = await eachItem(items, settling, ({ queue: name, token }, done) => {
      const { visibilities, extending } = queues.get(name);
      const { handle } = token as Receipt;
      const answered = deferred();
      extending.set(handle, answered.promise);
      visibilities.add({ handle, seconds }, (error) => {
        extending.delete(handle);
        answered.resolve();
        done(error);
      });
      return visibilities;
    });
    const own = failures.filter(({ error }) => KombuError.is(error, 'ERR_KOMBU_LEASE_LOST'));
    const other = failures.find((failure) => !own.includes(failure));
    if (other !== undefined && own.length === 0) throw other.error;
    return own;
  };
}
