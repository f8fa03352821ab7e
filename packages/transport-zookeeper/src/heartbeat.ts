import { type Clock, OperationalError } from '@kombu/core';
import type { ZookeeperLink } from './link.js';

/**
 * Finds out that a link is dead although nobody said so: a server that has said nothing for half of `heartbeatMs` is asked something,
 * and one that has not even answered that at its end is given up. The client library pings, but does not mind that nobody answers.
 *
 * @param heartbeatMs so much silence ends the link; 0: it is not listened for
 */
export function startHeartbeat(link: ZookeeperLink, path: string, heartbeatMs: number, clock: Clock): void {
  if (heartbeatMs === 0) return;
  const everyMs = Math.max(1, heartbeatMs / 2);
  let askedAt: number | undefined;
  let cancel: (() => void) | undefined;
  const look = (): void => {
    if (askedAt !== undefined && link.heardAt < askedAt) {
      link.fail(new OperationalError('CONNECTION_LOST', `ZooKeeper has not answered for ${heartbeatMs} ms`));
      return;
    }
    askedAt = undefined;
    if (clock.monotonic() - link.heardAt >= everyMs * 0.9) {
      askedAt = clock.monotonic();
      link.stat(path).catch(() => {});
    }
    next();
  };
  const next = (): void => {
    // What arrived while the process was busy is read between two turns of the event loop; only then the verdict is fair.
    cancel = clock.after(everyMs, () => setImmediate(() => setImmediate(() => cancel !== undefined && look())), {
      unref: true,
    });
  };
  next();
  link.closed.then(() => {
    cancel?.();
    cancel = undefined;
  });
}
