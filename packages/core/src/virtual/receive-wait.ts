import type { Credit } from './credit.js';
import type { Feed } from './feed.js';
import type { FeedTable } from './feed-table.js';

/** How a reserve is to wait, and for how many messages at most. */
export interface Wait {
  readonly ms: number;
  readonly share: number;
  /** Whether an empty answer is followed by the next reserve at once: the wait was at the store. */
  readonly again: boolean;
}

const NO_WAIT: Wait = { ms: 0, share: Number.POSITIVE_INFINITY, again: false };
/** A queue that was found empty so often is alone with its channel's credit, and not the first of several that begin together. */
const EMPTY_LOOKS = 6;
/** The next look at a queue, while others that share its credit have their turns. */
const IN_ROTATION: Wait = { ms: 0, share: 1, again: false };

/**
 * How long a reserve of these queues waits, where receiving is itself the wait (`receiveWaitMs` > 0). Queues that share a
 * channel's credit must not hold it while they are idle: where there is not more than one for each, only short looks are
 * taken, in rotation; else an idle queue waits with one, and a queue that has messages takes what the others leave, without
 * waiting. A queue that has its channel to itself waits with all of the credit, after a few short looks: so one that is consumed
 * from later on the same channel may have to wait for the end of that, once.
 */
export function shareOf(group: readonly Feed[], feeds: FeedTable, receiveWaitMs: number): Wait {
  if (receiveWaitMs === 0) return NO_WAIT;
  const credit = scarcest(group);
  if (credit === undefined) return { ms: receiveWaitMs, share: Number.POSITIVE_INFINITY, again: true };
  let sharing = 0;
  let idle = 0;
  for (const feed of feeds.values()) {
    if (!feed.consumers.some((consumer) => consumer.channelCredit === credit)) continue;
    sharing++;
    if (feed.reserves === 0) idle++;
  }
  if (sharing === 1 && group.every((feed) => feed.emptyLooks >= EMPTY_LOOKS)) {
    return { ms: receiveWaitMs, share: Number.POSITIVE_INFINITY, again: true };
  }
  if (credit.limit <= sharing) return IN_ROTATION;
  if (!group.some((feed) => feed.served)) return { ms: receiveWaitMs, share: 1, again: true };
  return { ms: 0, share: Math.max(1, credit.free - (idle - group.length)), again: true };
}

/** The limited credit of which the least is left among those that the consumers of these queues share. */
function scarcest(group: readonly Feed[]): Credit | undefined {
  let least: Credit | undefined;
  for (const feed of group) {
    for (const { channelCredit } of feed.consumers) {
      if (channelCredit.limit === Number.POSITIVE_INFINITY) continue;
      if (least === undefined || channelCredit.free < least.free) least = channelCredit;
    }
  }
  return least;
}
