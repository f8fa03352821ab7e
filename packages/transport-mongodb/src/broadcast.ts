import { UndeliverableError } from '@kombu/core';
import type { BroadcastStore } from '@kombu/core/virtual';
import { ObjectId } from 'mongodb';
import type { BroadcastDocument } from './documents.js';
import type { DriverContext } from './driver-context.js';
import { Tail } from './tail.js';

/** A queue that is subscribed to an exchange. */
interface Listener {
  readonly exchange: string;
  readonly queue: string;
  readonly deliver: (payload: string) => void;
  /** The document that it begins after; undefined once that was passed. */
  after: string | undefined;
}

/**
 * Fanout as Python has it: a capped collection that everybody who is subscribed follows. Whoever is subscribed at that moment gets a
 * message, a queue once. Routing keys mean nothing.
 */
export function createBroadcast(context: DriverContext): BroadcastStore & { close(): void } {
  const { link, collections, options } = context;
  const listeners = new Set<Listener>();
  let tail: { readonly it: Tail<BroadcastDocument>; readonly started: Promise<void> } | undefined;

  const document = ({ _id, queue: exchange, payload }: BroadcastDocument): void => {
    const served = new Set<string>();
    for (const listener of listeners) {
      if (listener.after !== undefined) {
        if (listener.after === String(_id)) listener.after = undefined;
        continue;
      }
      if (listener.exchange !== exchange || served.has(listener.queue) || typeof payload !== 'string') continue;
      served.add(listener.queue);
      listener.deliver(payload);
    }
  };
  const caughtUp = (): void => {
    for (const listener of listeners) if (listener.after === tail?.it.last) listener.after = undefined;
  };
  const follow = (): Tail<BroadcastDocument> =>
    new Tail(link, collections.broadcast, { document, caughtUp }, options.pollingIntervalMs ?? 1000);

  const started = async (): Promise<Tail<BroadcastDocument>> => {
    if (tail === undefined) {
      const it = follow();
      tail = { it, started: it.start() };
      tail.started.catch(() => {
        tail = undefined;
      });
    }
    const { it } = tail;
    await tail.started;
    return it;
  };

  return {
    async publish(entries, o) {
      const limit = options.cappedQueueSize;
      for (const { exchange, payload } of entries) {
        const bytes = payload.length * 3 < limit ? 0 : Buffer.byteLength(payload);
        if (bytes < limit) continue;
        const what = `a fanout message of ${bytes} bytes for exchange '${exchange}' does not fit into cappedQueueSize`;
        throw new UndeliverableError('MESSAGE_TOO_LARGE', `${what} (${limit})`);
      }
      const documents = entries.map(({ exchange, payload }) => ({ _id: new ObjectId(), payload, queue: exchange }));
      await link.run('publishing to subscribers', () => collections.broadcast.insertMany(documents), o?.signal);
    },
    async subscribe({ exchange, queue }, deliver, o) {
      const it = await started();
      o?.signal?.throwIfAborted();
      const newest = await it.newest();
      const listener: Listener = { exchange, queue, deliver, after: newest === it.last ? undefined : newest };
      listeners.add(listener);
      return {
        async close() {
          listeners.delete(listener);
          if (listeners.size > 0) return;
          tail?.it.stop();
          tail = undefined;
        },
      };
    },
    close: () => tail?.it.stop(),
  };
}
