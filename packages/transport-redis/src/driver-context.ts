import type { TransportContext } from '@kombu/core';
import type { QueueDrops, VirtualOptions } from '@kombu/core/virtual';
import type { Keys } from './keys.js';
import type { RedisLink } from './link.js';
import type { RedisOptions } from './options.js';
import { ScriptHead } from './script-call.js';

type WithDefaults =
  | 'visibilityTimeoutMs'
  | 'fanoutPatterns'
  | 'priorityOrder'
  | 'queueOrderStrategy'
  | 'ackEmulation'
  | 'unackedMutexExpireMs'
  | 'unackedRestoreLimit'
  | 'confirmReplicas'
  | 'confirmReplicasTimeoutMs';

/** The options with their defaults filled in, as core hands them over. */
export type ResolvedOptions = RedisOptions & VirtualOptions & Required<Pick<RedisOptions, WithDefaults>>;

/** What all parts of one driver share. */
export interface DriverContext {
  readonly link: RedisLink;
  readonly keys: Keys;
  readonly options: ResolvedOptions;
  readonly transport: TransportContext;
  /** Steps in the order of serving. */
  readonly serving: readonly string[];
  /** Names one reservation call among all of all processes. */
  nextOwner(): string;
  /** Tells this link's own watch that a queue may have something: the server does not tell us of what we did ourselves. Whether it cared. */
  wake(queue: string): boolean;
  /** Who wants to hear of queues that are gone. */
  readonly drops: QueueDrops;
  /** The longest that one WAIT may keep a socket silent, in milliseconds: the heartbeat would take it for dead. */
  readonly longestWaitMs: number;
  /** Owners of reserves that the server has not answered yet. */
  readonly unanswered: Set<string>;
}

/** KEYS[1..5] of every script that includes `leaseLib`. */
export function leaseKeys({ keys }: DriverContext): string[] {
  return [keys.unacked, keys.unackedIndex, keys.marks, keys.leases, keys.sizes];
}

/** ARGV[1..4] of every script that includes `leaseLib`. */
export function leaseArgs({ keys }: DriverContext): string[] {
  return [keys.prefix, keys.sep, keys.recordPrefix, keys.bindingPrefix];
}

/** Both, as the beginning of a call, with further keys between them. */
export function leaseHead(context: DriverContext, more: readonly string[] = []): ScriptHead {
  return new ScriptHead([...leaseKeys(context), ...more], leaseArgs(context));
}
