import type { VirtualDriver } from '@kombu/core/virtual';
import { queueId } from './declarations.js';
import type { DriverContext } from './driver-context.js';

/** The part of the driver that knows queues as a whole. A queue is its messages, and the record that core keeps in the topology. */
export function createQueues(
  context: DriverContext,
): Pick<VirtualDriver, 'createQueue' | 'deleteQueue' | 'hasQueue' | 'size' | 'purge'> {
  const { link, collections, options } = context;
  const { messages, routing, declarations } = collections;
  const one = { projection: { _id: 1 } } as const;
  return {
    async createQueue() {
      // The record in the topology says that it exists; its messages are found by its name.
    },
    async deleteQueue(name, o) {
      const what = `deleting queue '${name}'`;
      await Promise.all([
        link.run(what, () => messages.deleteMany({ queue: name }), o?.signal),
        link.run(what, () => messages.deleteMany({ reserved: name }), o?.signal),
      ]);
    },
    async hasQueue(name, o) {
      const what = `looking for queue '${name}'`;
      const found = await Promise.all([
        link.run(what, () => declarations.findOne({ _id: queueId(name) }, one), o?.signal),
        link.run(what, () => messages.findOne({ queue: name }, one), o?.signal),
        // A queue that Python has bound, and that was empty ever since.
        link.run(what, () => routing.findOne({ queue: name }, one), o?.signal),
      ]);
      return found.some((document) => document !== null);
    },
    async size(name, o) {
      if (!options.calcQueueSize) return 0;
      return link.run(`counting queue '${name}'`, () => messages.countDocuments({ queue: name }), o?.signal);
    },
    async purge(name, o) {
      const work = () => messages.deleteMany({ queue: name });
      return (await link.run(`purging queue '${name}'`, work, o?.signal)).deletedCount;
    },
  };
}
