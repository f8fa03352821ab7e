import type { TransportContext } from '@kombu/core';
import type { UnansweredClaim } from './kept-sessions.js';
import type { Layout } from './layout.js';
import type { ConsulLink } from './link.js';
import type { MessageName, NameGiver } from './message-name.js';
import type { QueueViews } from './queue-views.js';

/** What all parts of one driver share. */
export interface DriverContext {
  readonly link: ConsulLink;
  readonly layout: Layout;
  readonly names: NameGiver;
  readonly views: QueueViews;
  readonly transport: TransportContext;
  /** Claims on their way, of which nobody knows yet whether they were made. */
  readonly unanswered: Set<UnansweredClaim>;
}

/** Gives names that sort behind everything that was confirmed before this call, in the order of `messages`. */
export async function nameAll(
  { link, layout, names }: Pick<DriverContext, 'link' | 'layout' | 'names'>,
  messages: readonly MessageName[],
): Promise<readonly string[]> {
  const { kv } = link.client;
  const { index } = await link.call('asking for the index', (o) => kv.get({ key: layout.nothing, ...o } as never));
  names.at(index);
  return messages.map((message) => names.give(message));
}
