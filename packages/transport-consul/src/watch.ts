import type { KombuError } from '@kombu/core';
import { QueueDrops, type VirtualDriver } from '@kombu/core/virtual';
import { ChangeFeed } from './change-feed.js';
import type { DriverContext } from './driver-context.js';
import { SMALL } from './queue-view.js';

/** So many queues have a blocking query of their own. Consul allows 200 connections from one machine, all its processes together. */
const OWN_FEEDS = 16;

/** Tells consumers of changes, and everybody of queues that were deleted. */
export interface QueueWatch {
  readonly watch: NonNullable<VirtualDriver['watch']>;
  /** Calls `listener` with each watched queue that is deleted, by whoever; the returned function ends that. */
  readonly onQueueDropped: (listener: (queue: string) => void) => () => void;
}

/**
 * Watches queues by blocking queries: one for each queue, which returns when a message or a claim below its root has come, changed or
 * gone. It asks for the two names below that root, so that an answer is short however long the queue is. Where there are many
 * queues, those that came last share a query on the root of all.
 */
export function createWatch(context: DriverContext): QueueWatch {
  const { link, layout, views, transport } = context;
  const drops = new QueueDrops();
  const feeds = new Map<string, ChangeFeed>();
  const others = new Set<string>();
  let shared: ChangeFeed | undefined;
  let tell: ((queue: string) => void) | undefined;

  const failed = (error: KombuError): void => transport.warn(error);
  const exists = async (queue: string): Promise<boolean> => {
    const { kv } = link.client;
    const key = layout.marker(queue);
    return (await link.call('looking for a queue', (o) => kv.get({ key, ...o } as never))).status !== 404;
  };
  const changed = (queue: string): void => {
    views.of(queue).changed();
    tell?.(queue);
  };

  const feedOf = (queue: string): ChangeFeed => {
    let seen: 'unknown' | 'there' = 'unknown';
    return new ChangeFeed(context, {
      prefix: layout.root(queue),
      failed,
      // While there is enough to take, only a higher priority would be news.
      restMs: () => (views.of(queue).length > SMALL ? 250 : 0),
      is(state) {
        views.of(queue).told = state === 'asking' ? 'at once' : 'later';
      },
      async changed(isThere) {
        changed(queue);
        if (isThere) seen = 'there';
        else if (seen === 'there' && !(await exists(queue))) drops.tell(queue);
      },
    });
  };
  const share = (): ChangeFeed =>
    new ChangeFeed(context, {
      prefix: layout.queues,
      failed,
      restMs: () => 50 + others.size,
      is(state) {
        for (const queue of others) views.of(queue).told = state === 'asking' ? 'at once' : 'later';
      },
      async changed() {
        for (const queue of others) changed(queue);
      },
    });

  const remove = (queue: string): void => {
    feeds.get(queue)?.stop();
    feeds.delete(queue);
    others.delete(queue);
    views.of(queue).told = 'never';
    if (others.size > 0) return;
    shared?.stop();
    shared = undefined;
  };

  return {
    watch(wake) {
      tell = wake;
      return {
        add(queue) {
          if (feeds.has(queue) || others.has(queue)) return wake(queue);
          if (feeds.size < OWN_FEEDS) feeds.set(queue, feedOf(queue));
          else {
            others.add(queue);
            shared ??= share();
          }
          wake(queue);
        },
        remove,
        async close() {
          tell = undefined;
          for (const queue of [...feeds.keys(), ...others]) remove(queue);
        },
      };
    },
    onQueueDropped: (listener) => drops.listen(listener),
  };
}
