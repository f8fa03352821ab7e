import type { VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { CLEAN } from './end-session.js';

/** How long to wait before all who watch look for what a session has left, at most: one of them does it all, in milliseconds. */
const SPREAD_MS = 50;

/**
 * The part of the driver that tells of messages: the tail of each queue is watched, and sessions are, so that what a dead process has
 * left is put back as soon as the server ends its session. `recovered` is asked to put it back.
 */
export function createWatch(
  context: DriverContext,
  recover: () => Promise<unknown>,
): NonNullable<VirtualDriver['watch']> {
  const { link, keys, watcher, lines, transport } = context;
  return (wake) => {
    const watches = new Map<string, () => void>();
    let sessions: (() => void) | undefined;
    let cancel = (): void => {};

    /** A failure is met again by the next sweep. */
    const lookSoon = (): void => {
      cancel();
      const look = (): void => void recover().catch(() => {});
      cancel = transport.clock.after(Math.random() * SPREAD_MS, look, { unref: true });
    };

    const watchSessions = (): (() => void) =>
      watcher.watch({
        key: keys.sessions,
        scope: 'prefix',
        of: 'removals',
        started: lookSoon,
        changed(events) {
          if (events.some(({ prev_kv: before }) => before?.value.toString('latin1') !== CLEAN)) lookSoon();
        },
      });

    void link.closed.then(() => cancel());
    return {
      add(queue) {
        sessions ??= watchSessions();
        watches.get(queue)?.();
        const stop = watcher.watch({
          key: keys.tail(queue),
          scope: 'key',
          of: 'puts',
          started() {
            lines.watched(queue);
            wake(queue);
          },
          changed(events) {
            for (const { kv } of events) lines.changed(queue, kv.value.toString('latin1'));
            wake(queue);
          },
        });
        watches.set(queue, stop);
      },
      remove(queue) {
        watches.get(queue)?.();
        watches.delete(queue);
        lines.unwatched(queue);
      },
      async close() {
        cancel();
        sessions?.();
        for (const stop of watches.values()) stop();
        watches.clear();
      },
    };
  };
}
