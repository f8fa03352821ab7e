import type { Op } from '../transport/channel.js';
import { systemClock } from '../util/clock.js';
import { commitRetrying } from './key-value-commit.js';
import { parseDocument, writeDocument } from './key-value-documents.js';
import { encodeKeyPart, type KeyValueStore } from './key-value-store.js';
import type { KeyValueLayout } from './key-value-topology.js';
import type { PresenceStore } from './presence-store.js';

/** How much older the mark of a used queue may be than it could, in parts of its `x-expires`: marking costs a commit. */
const MARKS_PER_EXPIRY = 10;

/** A consumer, and the session that it lives in. */
interface Consumer {
  readonly consumer: string;
  readonly owner: string;
  readonly session: string;
  readonly exclusive: boolean;
}

/** Who uses a queue, as its key holds it. */
interface QueueUse {
  readonly consumers: readonly Consumer[];
  /** Whose own the queue is. */
  readonly claim?: { readonly owner: string; readonly session: string } | undefined;
  /** Wall clock of the last use of a queue with `x-expires`. */
  readonly used?: number | undefined;
}

function readUse(key: string, value: string | undefined): QueueUse {
  if (value === undefined) return { consumers: [] };
  const { consumers, claim, used } = parseDocument(key, value) as Partial<QueueUse>;
  return {
    consumers: Array.isArray(consumers) ? (consumers as readonly Consumer[]) : [],
    claim: typeof claim === 'object' && claim !== null ? claim : undefined,
    used: typeof used === 'number' ? used : undefined,
  };
}

/**
 * Who consumes, and whose exclusive queues are, in a store of keys: one key a queue. Each entry names the session that it was made
 * in; when that session has ended, the entry counts no more. The lease is the session's own, so that nothing is renewed here.
 */
export function createKeyValuePresence(store: KeyValueStore, layout: KeyValueLayout): PresenceStore {
  const { prefix, clock = systemClock } = layout;
  const keyOf = (queue: string): string => `${prefix}consumers/${encodeKeyPart(queue)}`;
  const isLive = async (session: string, o?: Op): Promise<boolean> =>
    session === store.session || (await store.isLive(session, o));

  /** The consumers whose sessions live. */
  const living = async ({ consumers }: QueueUse, o?: Op): Promise<readonly Consumer[]> => {
    const sessions = [...new Set(consumers.map(({ session }) => session))];
    const live = await Promise.all(sessions.map((session) => isLive(session, o)));
    return consumers.filter(({ session }) => live[sessions.indexOf(session)]);
  };

  const read = async (queue: string, o?: Op): Promise<QueueUse> => {
    const key = keyOf(queue);
    return readUse(key, (await store.get(key, o)).value);
  };

  /** Changes a queue's entry until nobody came between; an edit that returns no `use` leaves it as it is. */
  const change = <T>(
    queue: string,
    what: string,
    o: Op | undefined,
    edit: (use: QueueUse) => Promise<{ readonly use?: QueueUse; readonly result: T }>,
  ): Promise<T> => {
    const key = keyOf(queue);
    return commitRetrying(
      store,
      clock,
      `${what} queue '${queue}'`,
      async () => {
        const { value, version } = await store.get(key, o);
        const { use, result } = await edit(readUse(key, value));
        if (use === undefined) return { steps: [], result };
        const { consumers, claim, used } = use;
        const empty = consumers.length === 0 && claim === undefined && used === undefined;
        if (empty && value === undefined) return { steps: [], result };
        if (empty) return { steps: [{ kind: 'remove', key, version }], result };
        return { steps: [{ kind: 'put', key, version, value: writeDocument(use) }], result };
      },
      o,
    );
  };

  return {
    join: (entry, _ttlMs, o) =>
      change(entry.queue, 'consuming from', o, async (use) => {
        const { consumer, owner, exclusive } = entry;
        const others = (await living(use, o)).filter((other) => other.consumer !== consumer);
        const refused = exclusive ? others.length > 0 : others.some((other) => other.exclusive);
        if (refused) return { result: false };
        const consumers = [...others, { consumer, owner, session: store.session, exclusive }];
        return { use: { ...use, consumers }, result: true };
      }),
    leave: (queue, consumer, o) =>
      change(queue, 'leaving', o, async (use) => {
        const left = (await living(use, o)).filter((other) => other.consumer !== consumer);
        if (left.length === use.consumers.length) return { result: left.length };
        const used = use.used === undefined ? undefined : clock.now();
        return { use: { ...use, consumers: left, used }, result: left.length };
      }),
    count: async (queue, o) => (await living(await read(queue, o), o)).length,
    async renew() {
      // The session is renewed, and all that is in it.
    },
    claim: (queue, owner, _ttlMs, o) =>
      change(queue, 'claiming', o, async (use) => {
        const { claim } = use;
        if (claim?.owner === owner && claim.session === store.session) return { result: true };
        if (claim !== undefined && claim.owner !== owner && (await isLive(claim.session, o))) return { result: false };
        return { use: { ...use, claim: { owner, session: store.session } }, result: true };
      }),
    async claimedBy(queue, o) {
      const { claim } = await read(queue, o);
      return claim !== undefined && (await isLive(claim.session, o)) ? claim.owner : undefined;
    },
    unclaim: (queue, owner, o) =>
      change(queue, 'giving up', o, async (use) =>
        use.claim?.owner === owner ? { use: { ...use, claim: undefined }, result: undefined } : { result: undefined },
      ),
    touch: (queue, expiresMs, o) =>
      change(queue, 'marking', o, async (use) => {
        const now = clock.now();
        const used = expiresMs > 0 ? now : undefined;
        const fresh = used === use.used || (used !== undefined && now - (use.used ?? 0) < expiresMs / MARKS_PER_EXPIRY);
        return fresh ? { result: undefined } : { use: { ...use, used }, result: undefined };
      }),
    idleSince: (queue) =>
      change(queue, 'looking at', undefined, async (use) => {
        const live = await living(use);
        if (live.length > 0) return { result: undefined };
        if (use.consumers.length === 0 || use.used === undefined) return { result: use.used };
        // Whoever consumed has died without a word: until a moment ago it was in use.
        const used = clock.now();
        return { use: { ...use, consumers: [], used }, result: used };
      }),
  };
}
