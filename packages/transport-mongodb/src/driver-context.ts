import type { TransportContext } from '@kombu/core';
import type { VirtualOptions } from '@kombu/core/virtual';
import type { Collections } from './collections.js';
import type { MongodbLink } from './link.js';
import type { MessageIds } from './message-ids.js';
import type { MongodbOptions } from './options.js';
import type { ServerClock } from './server-clock.js';

type WithDefaults =
  | 'messagesCollection'
  | 'routingCollection'
  | 'broadcastCollection'
  | 'queuesCollection'
  | 'declarationsCollection'
  | 'signalsCollection'
  | 'cappedQueueSize'
  | 'ttl'
  | 'calcQueueSize'
  | 'defaultHostname'
  | 'defaultPort'
  | 'defaultDatabase';

/** The options with their defaults filled in, as core hands them over. */
export type ResolvedOptions = MongodbOptions & VirtualOptions & Required<Pick<MongodbOptions, WithDefaults>>;

/** What all parts of one driver share. */
export interface DriverContext {
  readonly link: MongodbLink;
  readonly collections: Collections;
  readonly options: ResolvedOptions;
  readonly transport: TransportContext;
  /** The server's time, by which leases and expiry are measured: clients' clocks differ. */
  readonly clock: ServerClock;
  /** Ids of messages that are stored: where they are in their queues. */
  readonly ids: MessageIds;
  /** Names one reservation call among all of all processes. */
  nextOwner(): string;
  /** Does what changes messages one after the other: it takes effect in the order in which it was asked for. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Tells this link's consumers, and those of others, that a queue may have something. */
  wake(queue: string): void;
  /** Tells this link's consumers that a reserve has left something, though it brought less than it was asked for. */
  more(queue: string): void;
  /** Tells everybody that a queue is gone. */
  dropped(queue: string): void;
  /** Owners of reserves that the server has not answered yet. */
  readonly unanswered: Set<string>;
}
