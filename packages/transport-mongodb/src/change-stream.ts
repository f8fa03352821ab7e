import { KombuError } from '@kombu/core';
import type { QueueDrops } from '@kombu/core/virtual';
import type { ChangeStream, Document } from 'mongodb';
import type { Collections } from './collections.js';
import { queueId } from './declarations.js';
import type { ResolvedOptions } from './driver-context.js';
import type { MongodbLink } from './link.js';
import { type Notices, Watched } from './notices.js';

/** How long the server may wait before it says that nothing has changed. */
const AWAIT_MS = 10_000;
/** The first pause before a stream that ended is opened again. */
const SHORTEST_PAUSE_MS = 100;
/** What a stream has to last to be one that works. */
const WORKS_MS = 5000;

/**
 * Notices by one change stream a link: messages that are stored in the queues that are consumed, or come back to them, whoever does
 * it, and records of queues that are deleted. Nothing is polled. Messages that are stored while no stream is open wake nobody, so
 * whenever one is opened all queues are looked at. Where none can be opened they are looked at every `pollingIntervalMs`.
 *
 * @param warn hears why a stream cannot be opened, once until one could be
 */
export function createChangeStream(
  link: MongodbLink,
  { db }: Collections,
  options: ResolvedOptions,
  drops: QueueDrops,
  warn: (error: KombuError) => void,
): Notices {
  const longestPauseMs = options.pollingIntervalMs ?? 1000;
  let warned = false;
  let stream: ChangeStream | undefined;
  let state: 'idle' | 'running' | 'closed' = 'idle';
  let rest: (() => void) | undefined;

  /** The stream that was closed from here. */
  let ended: ChangeStream | undefined;
  const end = (): void => {
    ended = stream;
    void stream?.close().catch(() => {});
  };

  const watched = new Watched(() => {
    // The stream tells of the queues that it was opened for.
    end();
    rest?.();
    if (state === 'idle' && watched.queues.size > 0) void follow();
  });

  const pipeline = (): Document[] => {
    const queues = { $in: [...watched.queues] };
    const messages = { 'ns.coll': options.messagesCollection };
    const gone = { $in: [...watched.queues].map(queueId) };
    const wanted = [
      { ...messages, operationType: 'insert', 'fullDocument.queue': queues },
      { ...messages, operationType: 'update', 'updateDescription.updatedFields.queue': queues },
      { 'ns.coll': options.declarationsCollection, operationType: 'delete', 'documentKey._id': gone },
    ];
    const fields = { operationType: 1, 'documentKey._id': 1 };
    const queue = { 'fullDocument.queue': 1, 'updateDescription.updatedFields.queue': 1 };
    return [{ $match: { $or: wanted } }, { $project: { ...fields, ...queue } }];
  };

  const changed = (change: Document): void => {
    if (change.operationType === 'delete') {
      const id = String(change.documentKey?._id);
      for (const name of watched.queues) if (queueId(name) === id) drops.tell(name);
      return;
    }
    const queue: unknown = change.fullDocument?.queue ?? change.updateDescription?.updatedFields?.queue;
    if (typeof queue === 'string') watched.wake(queue);
  };

  const read = async (): Promise<void> => {
    const opened = db.watch(pipeline(), { maxAwaitTimeMS: AWAIT_MS, readPreference: 'primary' });
    stream = opened;
    try {
      // The first answer says that the stream is open.
      let change = await opened.tryNext();
      warned = false;
      watched.wakeAll();
      // A stream whose cursor the server has ended, as when the database is dropped, says at once that there is nothing, for ever.
      while (change !== null || !opened.closed) {
        if (change !== null) changed(change);
        change = await opened.tryNext();
      }
    } finally {
      await opened.close().catch(() => {});
    }
  };

  const failed = (error: unknown): void => {
    if (warned || !link.isOpen || stream === ended || !KombuError.is(error)) return;
    warned = true;
    warn(error);
  };

  const follow = async (): Promise<void> => {
    state = 'running';
    let pause = SHORTEST_PAUSE_MS;
    while (watched.queues.size > 0 && link.isOpen && state === 'running') {
      const asked = watched.queues.size;
      const since = performance.now();
      await link.background('watching for changes', read).catch(failed);
      if (asked !== watched.queues.size || performance.now() - since > WORKS_MS) pause = SHORTEST_PAUSE_MS;
      else pause = Math.max(SHORTEST_PAUSE_MS, Math.min(pause * 2, longestPauseMs));
      watched.wakeAll();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, asked === watched.queues.size ? pause : 0);
        rest = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      rest = undefined;
    }
    if (state === 'running') state = 'idle';
  };

  return {
    watch: (wake) => watched.watch(wake),
    wake: (queue) => watched.wake(queue),
    more: (queue) => watched.wake(queue),
    dropped: (queue) => drops.tell(queue),
    close() {
      state = 'closed';
      rest?.();
      end();
    },
  };
}
