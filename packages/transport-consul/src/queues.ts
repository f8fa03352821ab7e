import type { VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { listQueue, readClaims } from './queue-listing.js';
import { MAX_RESERVE, take } from './reserve.js';
import { transact } from './transactions.js';

type Queues = Pick<VirtualDriver, 'createQueue' | 'deleteQueue' | 'hasQueue' | 'size' | 'purge'>;

/** The part of the driver that makes, looks at and removes queues. */
export function createQueues(context: DriverContext): Queues {
  const { link, layout, views } = context;
  const has = async (key: string, signal?: AbortSignal): Promise<boolean> => {
    const { kv } = link.client;
    const { status } = await link.call('looking for a queue', (o) => kv.get({ key, ...o } as never), { signal });
    return status !== 404;
  };

  return {
    async createQueue({ name }, o) {
      const keys = [layout.marker(name), layout.declared(name)];
      const operations = keys.map((Key) => ({ KV: { Verb: 'set', Key, Value: '' } }) as const);
      await transact(link, `declaring queue '${name}'`, operations, o?.signal);
    },
    async deleteQueue(name, o) {
      await transact(
        link,
        `deleting queue '${name}'`,
        [{ KV: { Verb: 'delete', Key: layout.marker(name) } }, { KV: { Verb: 'delete-tree', Key: layout.root(name) } }],
        o?.signal,
      );
      views.changed(name);
    },
    hasQueue: (name, o) => has(layout.marker(name), o?.signal),
    async size(name, o) {
      const { messages, claims } = await listQueue(link, layout, name, o?.signal);
      if (claims.length === 0) return messages.length;
      const entries = await readClaims(link, layout, name, o?.signal);
      return messages.filter((message) => entries.get(message)?.Session === undefined).length;
    },
    async purge(name, o) {
      const view = views.of(name);
      await view.refresh(o?.signal);
      let count = 0;
      for (;;) {
        const names = view.takeNames(MAX_RESERVE / 2);
        if (names.length === 0) return count;
        count += (await take(context, name, names, true)).length;
      }
    },
  };
}
