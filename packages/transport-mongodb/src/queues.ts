import type { VirtualDriver } from '@kombu/core/virtual';
import { queueId } from './declarations.js';
import type { DriverContext } from './driver-context.js';

/** Removes all messages of a queue, reserved or not. */
export async function deleteMessages(
  { link, collections: { messages } }: DriverContext,
  queue: string,
  signal?: AbortSignal,
): Promise<void> {
  const what = `deleting the messages of queue '${queue}'`;
  // In one, so that as little as can be of what is claimed or released meanwhile is missed.
  await link.run(what, () => messages.deleteMany({ $or: [{ queue }, { reserved: queue }] }), signal);
}

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
    deleteQueue: (name, o) => deleteMessages(context, name, o?.signal),
    async hasQueue(name, o) {
      const what = `looking for queue '${name}'`;
      const found = await Promise.all([
        link.run(what, () => declarations.findOne({ _id: queueId(name), kind: 'queue' }, one), o?.signal),
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
