import { copyFileSync, existsSync, renameSync, unlinkSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { MessageStateError } from '@kombu/core';
import type { ItemFailure, Settlement, VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { parseFileName } from './file-name.js';
import { moveBack, putBack, type Reservation } from './reservation.js';
import { codeOf, isMissing } from './translate-error.js';

/** A file in flight has done its work: it is removed, or kept where processed ones are. `false`: it is not there any more. */
function finish({ folders }: DriverContext, file: Reservation): boolean {
  const at = `${folders.inFlight}/${file.held}`;
  try {
    if (folders.processed === undefined) unlinkSync(at);
    else keep(at, path.join(folders.processed, file.name));
    return true;
  } catch (error) {
    // It may also be the folder of processed files that is missing.
    if (isMissing(error) && !existsSync(at)) return false;
    throw error;
  }
}

function keep(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // The folder may be on another disk.
    if (codeOf(error) !== 'EXDEV') throw error;
    copyFileSync(from, to);
    unlinkSync(from);
  }
}

function settleOne(context: DriverContext, { outcome, token }: Settlement): boolean {
  const file = token as Reservation;
  if (outcome === 'ack' || outcome === 'drop') return finish(context, file);
  if (outcome === 'release') return putBack(context, file, false);
  const priority = parseFileName(file.name)?.own?.priority ?? 0;
  return moveBack(context, file, context.names.give(file.queue, priority, true));
}

function lost({ queue }: { readonly queue: string }): MessageStateError {
  return new MessageStateError('LEASE_LOST', `a message of queue '${queue}' is gone, or somebody else's by now`);
}

/** The part of the driver that ends reservations. */
export function createSettle(context: DriverContext): VirtualDriver['settle'] {
  const { link } = context;
  return (items) => {
    link.check();
    const failures: ItemFailure[] = [];
    for (const [index, item] of items.entries()) {
      // With the folder gone the next link does it.
      const gone = link.isOpen ? undefined : link.look();
      if (gone !== undefined) {
        failures.push({ index, error: gone });
        continue;
      }
      try {
        const done = settleOne(context, item);
        if (!done) failures.push({ index, error: link.look() ?? lost(item) });
        else if (item.outcome === 'release' || item.outcome === 'requeue') context.wake(item.queue);
      } catch (error) {
        failures.push({ index, error: link.translate(error, `settling a message of queue '${item.queue}'`) });
      }
    }
    return failures;
  };
}

/** The part of the driver that renews leases: the time of a file in flight is the end of its lease. */
export function createExtend(context: DriverContext): NonNullable<VirtualDriver['extend']> {
  const { link, folders, transport } = context;
  return async (items, leaseMs) => {
    link.check();
    const failures: ItemFailure[] = [];
    const until = new Date(transport.clock.now() + leaseMs);
    for (const [index, item] of items.entries()) {
      const file = item.token as Reservation;
      try {
        utimesSync(path.join(folders.inFlight, file.held), until, until);
        file.renewed = true;
      } catch (error) {
        const gone = isMissing(error) ? (link.look() ?? lost(item)) : link.translate(error, 'renewing a lease');
        failures.push({ index, error: gone });
      }
    }
    return failures;
  };
}
