import { KombuError } from '@kombu/core';
import type { QueueDrops, Watch } from '@kombu/core/virtual';
import type { Keys } from './keys.js';
import type { RedisLink } from './link.js';

const CHANNEL = '__redis__:invalidate';

/** Tells of changes of the lists that this link has read, through CLIENT TRACKING. */
export interface Tracking {
  /** Starts to tell `wake`; the queues that it wants to hear of are added to the watch. */
  watch(wake: (queue: string) => void): Watch;
  /** Tells the watch of a change that this link made itself: NOLOOP keeps the server silent about those. Whether it cared. */
  wake(queue: string): boolean;
  /** Queues in the order they were added in. */
  readonly watched: ReadonlySet<string>;
}

/**
 * Turns CLIENT TRACKING on for the command socket, with its messages sent to the subscriber: the server remembers which keys
 * `link.tracked` has read and tells of the next change of each, whoever makes it but us. Resolves with undefined where the
 * server does not let us: the queues are polled then.
 *
 * https://redis.io/docs/latest/develop/reference/client-side-caching/
 */
export async function startTracking(link: RedisLink, keys: Keys, drops: QueueDrops): Promise<Tracking | undefined> {
  const { commands, subscriber } = link.sockets;
  let wake: ((queue: string) => void) | undefined;
  const watched = new Set<string>();
  const changed = (queue: string): boolean => {
    if (wake === undefined || !watched.has(queue)) return false;
    wake(queue);
    return true;
  };
  const recordChanged = (queue: string): void => {
    link.tracked('EXISTS', 'exists', [keys.record(queue)]).then(
      (there) => {
        if (Number(there) === 0) drops.tell(queue);
      },
      () => {}, // the link is gone, and with it everything that is consumed here
    );
  };
  subscriber.on('messageBuffer', (channel: Buffer, lists: readonly Buffer[] | null) => {
    if (channel.toString() !== CHANNEL) return;
    if (lists === null) {
      // FLUSHALL: everything may have changed.
      for (const queue of watched) changed(queue);
      return;
    }
    for (const list of lists) {
      const key = list.toString();
      if (key.startsWith(keys.recordPrefix)) recordChanged(key.slice(keys.recordPrefix.length));
      else {
        const queue = keys.queueOf(key);
        if (queue !== undefined) changed(queue);
      }
    }
  });
  try {
    const id = await link.call('CLIENT ID', 'client', ['id'], undefined, subscriber);
    await link.call(
      'CLIENT TRACKING',
      'client',
      ['tracking', 'on', 'redirect', Number(id), 'optin', 'noloop'],
      undefined,
      commands,
    );
    await link.call('SUBSCRIBE', 'subscribe', [CHANNEL], undefined, subscriber);
  } catch (error) {
    if (KombuError.is(error, 'ERR_KOMBU_ACCESS_REFUSED') || KombuError.is(error, 'ERR_KOMBU_NOT_SUPPORTED'))
      return undefined;
    throw error;
  }
  link.tracks = true;
  return {
    watched,
    wake: changed,
    watch(listener) {
      wake = listener;
      return {
        add(queue) {
          watched.add(queue);
          // After the caller has what this returns.
          queueMicrotask(() => changed(queue));
        },
        remove(queue) {
          watched.delete(queue);
        },
        async close() {
          wake = undefined;
          watched.clear();
        },
      };
    },
  };
}
