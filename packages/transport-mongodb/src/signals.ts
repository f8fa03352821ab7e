import type { QueueDrops } from '@kombu/core/virtual';
import { ObjectId } from 'mongodb';
import type { Collections, SignalDocument } from './collections.js';
import type { MongodbLink } from './link.js';
import { type Notices, Watched } from './notices.js';
import { Tail } from './tail.js';

/** How long a link waits before it says again that a queue has something. */
const QUIET_MS = 20;

/**
 * Notices where the server has no change streams: every link says in a capped collection what it has stored, and follows it. Python
 * does not, so queues are looked at every `pollingIntervalMs` as well.
 */
export function createSignals(
  link: MongodbLink,
  { signals }: Collections,
  drops: QueueDrops,
  pollingIntervalMs: number,
): Notices {
  const unsaid = new Set<string>();
  let quiet: NodeJS.Timeout | undefined;
  let poll: NodeJS.Timeout | undefined;
  const watched = new Watched(() => {
    if (watched.queues.size === 0) {
      clearInterval(poll);
      poll = undefined;
    } else poll ??= setInterval(() => watched.wakeAll(), pollingIntervalMs);
  });

  const document = ({ wake, dropped }: SignalDocument): void => {
    if (Array.isArray(wake)) for (const queue of wake) watched.wake(String(queue));
    if (typeof dropped === 'string') drops.tell(dropped);
  };
  // Also where nothing is consumed: that an answer is awaited at all times tells at once when the link is cut.
  const tail = new Tail<SignalDocument>(link, signals, { document }, pollingIntervalMs);
  // What was said before it was heard. Without it queues are polled.
  const start = async (): Promise<void> => {
    // A tail of an empty collection would be dead.
    if ((await tail.newest()) === '') await signals.insertOne({ _id: new ObjectId(), wake: [] });
    await tail.start();
  };
  link.run('hearing of messages', start).then(
    () => watched.wakeAll(),
    () => {},
  );
  const say = (what: Omit<SignalDocument, '_id'>): void => {
    // Whoever does not hear it looks by himself, a little later.
    link.run('telling of messages', () => signals.insertOne({ _id: new ObjectId(), ...what })).catch(() => {});
  };
  const flush = (): void => {
    quiet = undefined;
    if (unsaid.size === 0 || !link.isOpen) return;
    say({ wake: [...unsaid] });
    unsaid.clear();
    quiet = setTimeout(flush, QUIET_MS);
  };

  return {
    watch: (wake) => watched.watch(wake),
    wake(queue) {
      watched.wake(queue);
      unsaid.add(queue);
      if (quiet === undefined) flush();
    },
    more: (queue) => watched.wake(queue),
    dropped(queue) {
      drops.tell(queue);
      say({ dropped: queue });
    },
    close() {
      clearTimeout(quiet);
      clearInterval(poll);
      tail.stop();
    },
  };
}
