import type { Reserved, ReserveRequest, VirtualDriver } from '@kombu/core/virtual';
import type { Claims, Entry } from './claims.js';
import type { DriverContext } from './driver-context.js';
import type { Line } from './line.js';
import type { Lines } from './lines.js';

/** How often a reserve tries other entries because somebody else was quicker. */
const MAX_ROUNDS = 30;

/** Reads entries, those that are still there. */
export async function readEntries(context: DriverContext, queue: string, names: readonly string[]): Promise<Entry[]> {
  const path = context.paths.queue(queue);
  const found = await Promise.all(names.map((name) => context.link.get(`${path}/${name}`)));
  return names.flatMap((name, i) => {
    const data = found[i];
    return data === undefined ? [] : [{ name, data }];
  });
}

/** The part of the driver that reserves. */
export function createReserve(context: DriverContext, lines: Lines, claims: Claims): VirtualDriver['reserve'] {
  /** The next names of a queue, and what is in them. Where others take from the same end, some are left out. */
  const look = async (queue: string, line: Line, most: number, lost: number, known: boolean) => {
    for (let listed = known; ; listed = false) {
      let fresh: Promise<void> | undefined;
      if (!listed && line.isShort) await line.list(false);
      else if (!listed) fresh = line.refresh();
      const spare = Math.max(0, line.names.length - most);
      const from = lost === 0 ? 0 : Math.floor(Math.random() * Math.min(spare, lost * 4));
      const names = line.names.slice(from, from + most);
      const [entries] = await Promise.all([readEntries(context, queue, names), fresh]);
      if (fresh === undefined || names.every((name, i) => line.names[from + i] === name)) return { names, entries };
    }
  };

  const fill = async (queue: string, found: Reserved[], request: ReserveRequest): Promise<void> => {
    const line = lines.of(queue);
    const watched = lines.isWatched(queue);
    const how = request.noAck ? 'remove' : 'claim';
    let lost = 0;
    let known = false;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const want = request.max - found.length;
      if (want === 0 || request.signal.aborted) return;
      const { names, entries } = await look(queue, line, want, lost, known);
      known = false;
      if (names.length === 0) {
        if (watched && line.isWatching) return;
        // With a watch, what comes from now on is told of and what came just before is in this listing. Without one, it has to be all
        // that any server of an ensemble has confirmed: the one that answers may be behind.
        await (watched ? line.list(true) : line.listNow());
        known = true;
        if (line.names.length === 0) return;
        continue;
      }
      const last = watched && line.names.length < want;
      const [taking, listing] = await Promise.allSettled([
        claims.take(queue, entries, how),
        last ? line.list(true) : undefined,
      ]);
      if (taking.status === 'rejected') throw taking.reason;
      const taken = taking.value;
      found.push(...taken.reserved);
      if (listing.status === 'rejected') throw listing.reason;
      const left = new Set(entries.map(({ name }) => name));
      for (const name of taken.gone) left.delete(name);
      line.drop(left.size === 0 ? names : names.filter((name) => !left.has(name)));
      lost = taken.lost === 0 ? 0 : lost + taken.lost;
      if (last && line.names.length === 0) return;
      known = last;
    }
    lines.changed(queue);
  };

  return async (request) => {
    const found: Reserved[] = [];
    for (const queue of request.queues) {
      if (found.length >= request.max || request.signal.aborted) break;
      try {
        await lines.inTurn(queue, () => fill(queue, found, request));
      } catch (error) {
        if (found.length === 0) throw error;
        // What was taken before is handed over; the next reserve meets the error again.
        lines.changed(queue);
        break;
      }
    }
    return found;
  };
}
