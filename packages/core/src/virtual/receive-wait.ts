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
/** The next look at a queue, while others that share its credit have their turns. */
const IN_ROTATION: Wait = { ms: 0, share: 1, again: false };

/**
 * How long a reserve of these queues waits, where receiving is itself the wait (`receiveWaitMs` > 0). Queues that share a
 * channel's credit must not hold it while they are idle: where there is not more than one for each, only short looks are
 * taken, in rotation; else an idle queue waits with one, and a queue that has messages takes what the others leave, without
 * waiting.
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
