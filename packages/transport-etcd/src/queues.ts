import type { VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import {
  bytes,
  countBelow,
  endOf,
  exists,
  keysFrom,
  MAX_OPS,
  nested,
  nothingBelow,
  remove,
  removeBelow,
  revisionOf,
} from './requests.js';

/** How many messages one transaction of a purge removes, where some are claimed. */
const PURGED = MAX_OPS - 28;

/** The part of the driver that knows queues as a whole. A queue is its messages, its tail, and the record that core keeps. */
export function createQueues(
  context: DriverContext,
): Pick<VirtualDriver, 'createQueue' | 'deleteQueue' | 'hasQueue' | 'size' | 'purge'> {
  const { link, keys, topology, order } = context;

  /** Removes messages one by one, those that are claimed excepted. */
  const purgeUnclaimed = async (name: string, what: string, signal: AbortSignal | undefined): Promise<number> => {
    const [messages, claimed] = [keys.messages(name), keys.claims(name)];
    let purged = 0;
    for (let from = messages, more = true; more; ) {
      const listed = await link.txn(what, { success: [keysFrom(from, endOf(messages), PURGED)] }, signal);
      const range = listed.responses[0]?.response_range;
      const names = (range?.kvs ?? []).map(({ key }) => key.toString('latin1', messages.length));
      const success = names.map((one) =>
        nested({
          compare: [exists(claimed + one, false), exists(messages + one, true)],
          success: [remove(messages + one)],
        }),
      );
      const answer = await link.txn(what, { success }, signal);
      purged += answer.responses.filter(({ response_txn: one }) => one.succeeded).length;
      from = `${messages}${names.at(-1)}\0`;
      more = range?.more ?? false;
    }
    return purged;
  };

  return {
    async createQueue() {
      // The record in the topology says that it exists; the tail is there as soon as something was put into it.
    },
    async deleteQueue(name, o) {
      await order.settled();
      const success = [removeBelow(keys.messages(name)), removeBelow(keys.claims(name)), remove(keys.tail(name))];
      await link.txn(`deleting queue '${name}'`, { success }, o?.signal);
    },
    async hasQueue(name, o) {
      const success = [revisionOf(topology.queueKey(name)), revisionOf(keys.tail(name))];
      const { responses } = await link.txn(`looking for queue '${name}'`, { success }, o?.signal);
      return responses.some(({ response_range: range }) => range.kvs.length > 0);
    },
    async size(name, o) {
      await order.settled();
      const success = [countBelow(keys.messages(name)), countBelow(keys.claims(name))];
      const { responses } = await link.txn(`counting queue '${name}'`, { success }, o?.signal);
      const [all, claimed] = responses.map(({ response_range: range }) => Number(range.count));
      return (all ?? 0) - (claimed ?? 0);
    },
    async purge(name, o) {
      await order.settled();
      const what = `purging queue '${name}'`;
      const messages = keys.messages(name);
      const all = { key: bytes(messages), range_end: endOf(messages) };
      const answer = await link.txn(
        what,
        { compare: [nothingBelow(keys.claims(name))], success: [{ request_delete_range: all }] },
        o?.signal,
      );
      if (!answer.succeeded) return purgeUnclaimed(name, what, o?.signal);
      return Number(answer.responses[0]?.response_delete_range.deleted ?? 0);
    },
  };
}
