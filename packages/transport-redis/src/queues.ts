import type { VirtualDriver } from '@kombu/core/virtual';
import { type DriverContext, leaseKeys } from './driver-context.js';
import { deleteQueue, purgeQueue } from './lua/queues.js';

/** The part of the driver that knows queues as a whole. A queue is its lists, and the record that core keeps in the topology. */
export function createQueues(
  context: DriverContext,
): Pick<VirtualDriver, 'createQueue' | 'deleteQueue' | 'hasQueue' | 'size' | 'purge'> {
  const { link, keys } = context;
  return {
    async createQueue() {
      // The record in the topology says that it exists; a list is there as soon as something is in it.
    },
    async deleteQueue(name, o) {
      await link.run(deleteQueue, [...leaseKeys(context), ...keys.lists(name)], [name], o?.signal);
    },
    async hasQueue(name, o) {
      const found = await link.call('EXISTS', 'exists', [keys.record(name), ...keys.lists(name)], o?.signal);
      return Number(found) > 0;
    },
    async size(name, o) {
      const lengths = keys.lists(name).map((list) => link.call('LLEN', 'llen', [list], o?.signal));
      return (await Promise.all(lengths)).reduce<number>((sum, length) => sum + Number(length), 0);
    },
    async purge(name, o) {
      const purged = Number(await link.run(purgeQueue, [keys.sizes, ...keys.lists(name)], [name], o?.signal));
      context.wake(name); // so that its lists are listened to again
      return purged;
    },
  };
}
