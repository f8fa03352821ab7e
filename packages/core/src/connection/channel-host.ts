import type { Clock } from '../util/clock.js';
import type { Logger } from '../util/logger.js';
import type { ChannelLink } from './channel-link.js';
import type { KeepAlive } from './keep-alive.js';
import type { Session } from './session.js';
import type { TopologyRecorder } from './topology.js';

/** What a channel needs of its connection. */
export interface ChannelHost {
  readonly connectionId: string;
  readonly clock: Clock;
  readonly topology: TopologyRecorder;
  readonly keepAlive: KeepAlive;
  /** How many publishes of one channel may wait for the link. */
  readonly maxWaiting: number;
  /** How long closing waits for the broker. */
  readonly closeTimeoutMs: number;
  /** Logs every call of a channel; undefined: none. */
  readonly trace: Logger | undefined;
  /** The link, while it is up. */
  session(): Session | undefined;
  /** Waits for the link. */
  acquire(signal: AbortSignal | undefined): Promise<Session>;
  /** Throws ClosedError when nothing new may be begun. */
  assertOpen(): void;
  /** Whether deliveries of a lost link can be settled on the next one. */
  settlesLater(): boolean;
  /** Whether any channel consumes from this queue. */
  isConsumed(queue: string): boolean;
  /** The channel is in use: it is to be told of links. */
  adopt(link: ChannelLink): void;
  /** The channel is closed. */
  forget(link: ChannelLink): void;
  delivered(): void;
  consuming(): void;
  emitError(error: unknown): void;
  warn(error: unknown): void;
}
