import { UndeliverableError } from '@kombu/core';
import type { BroadcastEntry, BroadcastStore, ItemFailure } from '@kombu/core/virtual';
import { ObjectId } from 'mongodb';
import type { BroadcastDocument } from './documents.js';
import type { DriverContext } from './driver-context.js';
import { insertEach } from './insert-each.js';
import { Listener } from './listener.js';
import { Tail } from './tail.js';

/** What of a document is not the envelope and the exchange's name. */
const AROUND_BYTES = 64;

/**
 * Fanout as Python has it: a capped collection that everybody who is subscribed follows. Whoever is subscribed at that moment gets a
 * message, a queue once. Routing keys mean nothing.
 */
export function createBroadcast(context: DriverContext): BroadcastStore & { close(): void } {
  const { link, collections, options, transport } = context;
  const listeners = new Set<Listener>();
  let tail: { readonly it: Tail<BroadcastDocument>; readonly started: Promise<void> } | undefined;
  /** Subscriptions, those that are being made included. */
  let users = 0;

  const document = ({ _id, queue: exchange, payload }: BroadcastDocument): void => {
    const served = new Set<string>();
    for (const listener of listeners) {
      const wants = listener.exchange === exchange && typeof payload === 'string' && !served.has(listener.queue);
      if (wants && !listener.waits) served.add(listener.queue);
      listener.hear({ id: String(_id), payload: wants ? payload : undefined });
    }
  };
  const follow = (): Tail<BroadcastDocument> => {
    const told = {
      document,
      reopened: () => {
        for (const listener of listeners) listener.reopened();
      },
      missed: (old: readonly BroadcastDocument[]) => {
        const ids = new Set(old.map(({ _id }) => String(_id)));
        for (const listener of listeners) listener.missed(ids);
      },
      failed: transport.warn,
    };
    return new Tail(link, collections.broadcast, told, options.pollingIntervalMs ?? 1000);
  };
  const started = async (): Promise<Tail<BroadcastDocument>> => {
    if (tail === undefined) {
      const it = follow();
      const mine = { it, started: it.start() };
      tail = mine;
      mine.started.catch(() => {
        if (tail === mine) tail = undefined;
      });
    }
    const { it } = tail;
    await tail.started;
    return it;
  };
  const leave = (): void => {
    users--;
    if (users > 0) return;
    tail?.it.stop();
    tail = undefined;
  };
  const tooLarge = ({ exchange, payload }: BroadcastEntry): UndeliverableError | undefined => {
    const limit = options.cappedQueueSize - AROUND_BYTES - Buffer.byteLength(exchange);
    const bytes = payload.length * 3 < limit ? 0 : Buffer.byteLength(payload);
    if (bytes <= limit) return undefined;
    const what = `a fanout message of ${bytes} bytes for exchange '${exchange}' does not fit into cappedQueueSize`;
    return new UndeliverableError('MESSAGE_TOO_LARGE', `${what} (${options.cappedQueueSize})`);
  };

  return {
    async publish(entries, o) {
      const failures: ItemFailure[] = [];
      const documents: BroadcastDocument[] = [];
      const places: number[] = [];
      for (const [index, entry] of entries.entries()) {
        const error = tooLarge(entry);
        if (error !== undefined) {
          failures.push({ index, error });
          continue;
        }
        places.push(index);
        documents.push({ _id: new ObjectId(), payload: entry.payload, queue: entry.exchange });
      }
      const refused = await insertEach(link, collections.broadcast, documents, 'publishing to subscribers', o?.signal);
      return [...failures, ...refused.map(({ index, error }) => ({ index: places[index] ?? 0, error }))];
    },
    async subscribe(request, deliver, o) {
      users++;
      let listener: Listener | undefined;
      try {
        const it = await started();
        o?.signal?.throwIfAborted();
        listener = new Listener(request, deliver, it.last);
        listeners.add(listener);
        listener.begin(await it.newest());
      } catch (error) {
        if (listener !== undefined) listeners.delete(listener);
        leave();
        throw error;
      }
      const mine = listener;
      return {
        async close() {
          if (listeners.delete(mine)) leave();
        },
      };
    },
    close: () => tail?.it.stop(),
  };
}
