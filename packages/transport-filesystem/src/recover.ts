import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { parseFileName } from './file-name.js';
import { parseHeld, putBack } from './reservation.js';

/** The part of the driver that puts back what dead processes have reserved. */
export function createRecover(context: DriverContext): NonNullable<VirtualDriver['recover']> {
  const { link, folders, transport } = context;

  /** Whether the lease of a file in flight has run out: the one in its name, and the one that it was renewed to. */
  const isOver = (held: string, untilMs: number): boolean => {
    const now = transport.clock.now();
    if (untilMs > now) return false;
    const found = statSync(path.join(folders.inFlight, held), { throwIfNoEntry: false });
    return found !== undefined && found.mtimeMs <= now;
  };

  return async ({ limit, signal }) => {
    link.check();
    let recovered = 0;
    try {
      for (const held of await readdir(folders.inFlight)) {
        if (recovered >= limit || signal.aborted) break;
        const parsed = parseHeld(held);
        const file = parsed === undefined ? undefined : parseFileName(parsed.name);
        if (parsed === undefined || file === undefined) continue;
        if (!isOver(held, parsed.untilMs)) continue;
        const reservation = { queue: file.queue, held, name: parsed.name, renewed: false };
        if (!putBack(context, reservation, true)) continue;
        recovered += 1;
        context.wake(file.queue);
      }
    } catch (error) {
      throw link.translate(error, 'putting back what dead consumers hold');
    }
    return recovered;
  };
}
