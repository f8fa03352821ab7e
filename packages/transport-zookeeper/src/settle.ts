import { MessageStateError } from '@kombu/core';
import type { ItemFailure, Settlement, VirtualDriver } from '@kombu/core/virtual';
import type { Reservation } from './claims.js';
import { CODES } from './client.js';
import { type DriverContext, requestBytes } from './driver-context.js';
import { flagged } from './envelope.js';
import type { Lines } from './lines.js';
import type { Step } from './link.js';
import { prefixOf } from './paths.js';

const NONE: readonly ItemFailure[] = [];

/** What ends one reservation. */
interface Ending {
  readonly index: number;
  readonly item: Settlement;
  readonly token: Reservation;
  /** Settling it was asked for before, and nobody knows what came of that. */
  readonly again: boolean;
  /** Where the place of the message in its queue is somebody else's, it goes to the back. */
  steps: readonly Step[];
}

function lost(queue: string, { entry }: Reservation): MessageStateError {
  return new MessageStateError('LEASE_LOST', `message ${entry} of queue '${queue}' has gone to another consumer`);
}

/** The part of the driver that ends reservations: one transaction for all that fit, each one by itself where that is refused. */
export function createSettle(context: DriverContext, lines: Lines): VirtualDriver['settle'] {
  const { link, paths, session } = context;
  const most = requestBytes(context);

  const stepsOf = ({ queue, outcome }: Settlement, token: Reservation, place: 'own' | 'back'): Step[] => {
    const remove: Step = { kind: 'remove', path: token.claim };
    if (outcome === 'ack' || outcome === 'drop') return [remove];
    const data = Buffer.from(token.payload);
    const at = paths.queue(queue);
    if (outcome === 'release' && place === 'own')
      return [remove, { kind: 'create', path: `${at}/${token.entry}`, data }];
    const back = `${at}/${prefixOf(token.entry)}`;
    return [
      remove,
      { kind: 'create', path: back, data: outcome === 'release' ? data : flagged(data), sequential: true },
    ];
  };

  const done = ({ token }: Ending): undefined => {
    session.held.delete(token.claim);
  };

  /** Ends one by itself; resolves with why it could not be. */
  const end = async (ending: Ending): Promise<ItemFailure | undefined> => {
    const { index, item, token } = ending;
    const what = `settling a message of queue '${item.queue}'`;
    const outcome = await link.multi(what, ending.steps);
    if (outcome.done) return done(ending);
    const { at, code } = outcome;
    if (at === 0 && code === CODES.noNode) {
      done(ending);
      // The first try has arrived: nobody else takes what a living session holds.
      if (ending.again && token.session === session.name) return undefined;
      return { index, error: lost(item.queue, token) };
    }
    if (at === 1 && code === CODES.nodeExists) ending.steps = stepsOf(item, token, 'back');
    // The queue was deleted, and what was reserved of it with it.
    else if (at === 1 && code === CODES.noNode) ending.steps = ending.steps.slice(0, 1);
    else return { index, error: link.translate({ code, message: 'refused' }, what) };
    return end(ending);
  };

  const endAll = async (endings: readonly Ending[]): Promise<readonly ItemFailure[]> => {
    const steps = endings.flatMap((ending) => ending.steps);
    if (endings.length > 1 && (await link.multi('settling messages', steps)).done) {
      for (const ending of endings) done(ending);
      return NONE;
    }
    return (await Promise.all(endings.map(end))).filter((failure) => failure !== undefined);
  };

  return async (items) => {
    const groups: Ending[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const [index, item] of items.entries()) {
      const token = item.token as Reservation;
      const ending = { index, item, token, again: token.state === 'settling', steps: stepsOf(item, token, 'own') };
      token.state = 'settling';
      const size = ending.steps.reduce((sum, step) => sum + 300 + (('data' in step && step.data?.length) || 0), 0);
      if (bytes + size > most) {
        groups.push([]);
        bytes = 0;
      }
      groups.at(-1)?.push(ending);
      bytes += size;
    }
    const settled = Promise.all(groups.map(endAll));
    for (const { queue, outcome } of items)
      if (outcome === 'release' || outcome === 'requeue') lines.of(queue).forget();
    return (await settled).flat();
  };
}

/** The part of the driver that says which leases are lost: all of a session that has ended. It asks nobody. */
export function createExtend({ session }: DriverContext): NonNullable<VirtualDriver['extend']> {
  return async (items) =>
    items.flatMap(({ queue, token }, index) => {
      const reservation = token as Reservation;
      return reservation.session === session.name ? [] : [{ index, error: lost(queue, reservation) }];
    });
}
