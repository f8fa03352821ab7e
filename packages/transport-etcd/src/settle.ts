import { MessageStateError } from '@kombu/core';
import type { Settlement, VirtualDriver } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { messageName, parseName } from './message-name.js';
import { isBusy, persist } from './persist.js';
import {
  exists,
  MAX_OPS,
  MAX_TXN_BYTES,
  nested,
  type Operation,
  put,
  read,
  remove,
  revisionOf,
  unchanged,
} from './requests.js';
import type { Claim } from './reserve.js';

/** What one transaction ends and tells at most: each claim is a transaction within it, of which the server counts the operations too. */
const MOST_ENDED = MAX_OPS - 4;

/** An item to settle, and where it stands among those that were asked for. */
interface Item extends Settlement {
  readonly index: number;
  readonly token: Claim;
}

function lost({ queue }: Settlement): MessageStateError {
  return new MessageStateError(
    'LEASE_LOST',
    `a message of queue '${queue}' is claimed by somebody else by now, or gone`,
  );
}

/** The part of the driver that ends reservations: each in the revision that it was made in, so that nobody else's is touched. */
export function createSettle(context: DriverContext): VirtualDriver['settle'] {
  const { link, keys, session, claims, order } = context;
  const claimOf = ({ queue, token }: Item): string => keys.claims(queue) + token.name;

  /** Ends one claim, if it is still the one that was made; `more`: what else is done then. */
  const end = (item: Item, ...more: Operation[]): Operation => {
    const { queue, token, outcome } = item;
    const mine = claimOf(item);
    const gone = outcome === 'release' ? [] : [remove(keys.messages(queue) + token.name)];
    return nested({ compare: [unchanged(mine, token.revision)], success: [remove(mine), ...gone, ...more] });
  };

  /** Removes messages and claims, or claims alone; who watches is told of those that are ready again. */
  const endAll = async (items: readonly Item[]): Promise<Item[]> => {
    const released = new Set(items.filter(({ outcome }) => outcome === 'release').map(({ queue }) => queue));
    if (items.length + released.size > MOST_ENDED) {
      const half = items.length >> 1;
      return [...(await endAll(items.slice(0, half))), ...(await endAll(items.slice(half)))];
    }
    const { responses } = await link.txn('settling messages', {
      success: [...items.map((item) => end(item)), ...[...released].map((queue) => put(keys.tail(queue), '*'))],
    });
    return items.filter((_, i) => responses[i]?.response_txn.succeeded !== true);
  };

  /** Moves messages of one queue behind its tail, flagged; resolves with those that are not ours. */
  const requeue = async (queue: string, items: readonly Item[]): Promise<Item[]> => {
    const tail = keys.tail(queue);
    const what = `requeueing messages of queue '${queue}'`;
    const found = await link.txn(what, {
      success: [revisionOf(tail), ...items.map(({ token }) => read(keys.messages(queue) + token.name))],
    });
    const [current, ...messages] = found.responses.map(({ response_range: range }) => range.kvs[0]);
    const revision = current?.mod_revision ?? '0';
    const base = revision === '0' ? found.header.revision : revision;
    const ranks = new Set<string>();
    const missing: Item[] = [];
    const moved: Item[] = [];
    const success: Operation[] = [];
    let size = 0;
    for (const [i, item] of items.entries()) {
      const value = messages[i]?.value;
      const name = parseName(item.token.name);
      if (value === undefined || name === undefined) missing.push(item);
      if (value === undefined || name === undefined) continue;
      size += value.length;
      if (size > MAX_TXN_BYTES && moved.length > 0) break;
      ranks.add(name.rank);
      const again = messageName(name.rank, base, moved.length, true, name.expiresAt);
      success.push(end(item, put(keys.messages(queue) + again, value)));
      moved.push(item);
    }
    if (moved.length === 0) return missing;
    const answer = await link.txn(what, {
      compare: [unchanged(tail, revision)],
      success: [...success, put(tail, [...ranks].join(''))],
    });
    // Somebody has put or released something meanwhile: the tail is another one.
    if (!answer.succeeded) return requeue(queue, items);
    const not = moved.filter((_, i) => answer.responses[i]?.response_txn.succeeded !== true);
    const rest = items.slice(missing.length + moved.length);
    return [...missing, ...not, ...(rest.length > 0 ? await requeue(queue, rest) : [])];
  };

  /** Resolves with those that are not ours. */
  const settle = async (items: readonly Item[]): Promise<Item[]> => {
    const ended = items.filter(({ outcome }) => outcome !== 'requeue');
    const queues = new Map<string, Item[]>();
    for (const item of items) {
      if (item.outcome === 'requeue') queues.set(item.queue, [...(queues.get(item.queue) ?? []), item]);
    }
    const failed = ended.length === 0 ? [] : await endAll(ended);
    for (const [queue, some] of queues) failed.push(...(await requeue(queue, some)));
    return failed;
  };

  /** Tries again; what is not there then was settled by an earlier try, as long as the session lives: nobody else ends its claims. */
  const settleAgain = (items: readonly Item[], error: unknown): Promise<Item[]> => {
    const held = new Set(items.filter((item) => claims.holds(claimOf(item), item.token.revision)));
    const what = 'settling messages';
    const again = async (): Promise<Item[]> => {
      const failed = await settle(items);
      if (!failed.some((item) => held.has(item))) return failed;
      const { succeeded } = await link.txn(what, { compare: [exists(keys.session(session.id), true)] });
      return succeeded ? failed.filter((item) => !held.has(item)) : failed;
    };
    return persist(context, what, again, error);
  };

  return async (settlements) => {
    const items = settlements.map((item, index) => ({ ...item, index, token: item.token as Claim }));
    const first = settle(items);
    if (items.some(({ outcome }) => outcome === 'requeue' || outcome === 'release')) order.settling(first);
    let failed: Item[];
    try {
      failed = await first.catch((error: unknown) => {
        if (!isBusy(error)) throw error;
        return settleAgain(items, error);
      });
    } catch (error) {
      claims.unanswered();
      throw error;
    }
    for (const item of items) claims.settled(claimOf(item), item.token.revision);
    return failed.map((item) => ({ index: item.index, error: lost(item) }));
  };
}
