import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { Reserved, ReserveRequest, VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { restamp } from './file-name.js';
import type { Candidate } from './folder-index.js';
import { isReady, looksLikeOurs, putAside } from './message-file.js';
import { heldName, putBack, type Reservation } from './reservation.js';
import { isMissing } from './translate-error.js';

/** Takes files: the rename that hides a message also says until when, and of all who want a file one gets it. */
export class Taker {
  readonly #context: DriverContext;
  readonly #id = BigInt(`0x${randomBytes(5).toString('hex')}`).toString(36);
  #count = 0;

  constructor(context: DriverContext) {
    this.#context = context;
  }

  /** Takes a file out of its queue; undefined: somebody else was quicker, or it is not a message (yet). */
  take(file: Candidate, leaseMs: number): Reserved | undefined {
    const { folders, index, transport } = this.#context;
    index.take(file);
    try {
      if (file.own !== undefined || isReady(file, folders, transport)) return this.#rename(file, leaseMs);
    } catch (error) {
      // Somebody was quicker, or the whole folder is gone, which the next listing meets.
      if (isMissing(error)) return undefined;
      // It is still where it was.
      index.forget();
      throw error;
    }
    index.forget();
    return undefined;
  }

  #rename(file: Candidate, leaseMs: number): Reserved | undefined {
    const { folders, transport } = this.#context;
    const { queue, own } = file;
    // Files of Python get a name that keeps their place, whatever becomes of the time of the file.
    const name = own === undefined ? restamp(file, file.mtimeMs, false) : file.name;
    const held = heldName(transport.clock.now() + leaseMs, `${this.#id}.${(this.#count++).toString(36)}`, name);
    const at = `${folders.inFlight}/${held}`;
    renameSync(`${folders.in}/${file.name}`, at);
    const token: Reservation = { queue, held, name, renewed: false };
    try {
      const payload = readFileSync(at, 'utf8');
      if (looksLikeOurs(payload)) return { queue, token, payload, redelivered: own?.redelivered ?? false };
      putAside(at, name, folders, transport);
    } catch (error) {
      putBack(this.#context, token, own?.redelivered ?? false);
      throw error;
    }
    return undefined;
  }
}

/** The part of the driver that reserves. */
export function createReserve(context: DriverContext): VirtualDriver['reserve'] {
  const { link, index, folders } = context;
  const taker = new Taker(context);

  /** Takes files of one queue until there are enough. */
  const fill = async (queue: string, found: Reserved[], request: ReserveRequest): Promise<void> => {
    const line = await index.line(queue);
    // Files that are not ready yet are left out of this round.
    for (let file = line[0]; file !== undefined; file = line[0]) {
      if (found.length >= request.max || request.signal.aborted) return;
      const reserved = taker.take(file, request.leaseMs);
      if (reserved === undefined) continue;
      if (request.noAck) {
        unlinkSync(path.join(folders.inFlight, (reserved.token as Reservation).held));
        found.push({ ...reserved, token: undefined });
      } else found.push(reserved);
    }
  };

  return async (request) => {
    link.check();
    const found: Reserved[] = [];
    for (const queue of request.queues) {
      if (found.length >= request.max || request.signal.aborted) break;
      try {
        await fill(queue, found, request);
      } catch (error) {
        // What was taken before is handed over; the next reserve meets the error again.
        if (found.length === 0) throw link.translate(error, `reserving from queue '${queue}'`);
        break;
      }
    }
    return found;
  };
}

/** The part of the driver that reserves what has expired at the head of a queue. */
export function createReserveExpired(context: DriverContext): NonNullable<VirtualDriver['reserveExpired']> {
  const { link, index, folders } = context;
  const taker = new Taker(context);
  /** Nothing in a file changes, so that its expiry is read once. */
  let known = new Map<string, number>();

  const expiryOf = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const text = readFileSync(path.join(folders.in, name), 'utf8');
    const expiry = /"expires_at_ms":(\d+),"delivery_tag":"[^"]*"\}\}$/.exec(text)?.[1];
    const at = expiry === undefined ? Number.POSITIVE_INFINITY : Number(expiry);
    if (known.size >= 10_000) known = new Map();
    known.set(name, at);
    return at;
  };

  return async ({ queue, max, now, leaseMs, signal }) => {
    link.check();
    const found: Reserved[] = [];
    try {
      /** The priority whose first message has not expired: those behind it wait for it. */
      let waiting: number | undefined;
      for (const file of [...(await index.current(queue))]) {
        if (found.length >= max || signal.aborted) break;
        const priority = file.own?.priority ?? 0;
        if (priority === waiting) continue;
        try {
          if (expiryOf(file.name) > now) {
            waiting = priority;
            continue;
          }
        } catch (error) {
          if (!isMissing(error)) throw error;
          index.take(file);
          continue;
        }
        const reserved = taker.take(file, leaseMs);
        if (reserved !== undefined) found.push(reserved);
      }
    } catch (error) {
      if (found.length === 0) throw link.translate(error, `looking for expired messages of queue '${queue}'`);
    }
    return found;
  };
}
