import type { ChannelEvents, MaybePromise, Op } from '../transport/channel.js';
import type { Outcome } from '../transport/delivery.js';
import type { ConsumeLoop } from './consume-loop.js';
import type { Consumers } from './consumers.js';
import type { Declarations } from './declarations.js';
import type { Content, UnsettledList, VirtualDelivery } from './delivery.js';
import type { Reserved } from './driver.js';
import type { Link } from './link.js';
import type { Publisher } from './publisher.js';
import type { SettleBuffer } from './settle-buffer.js';

/** What a channel uses of its connection. */
export interface Parts {
  readonly link: Link;
  readonly loop: ConsumeLoop;
  readonly consumers: Consumers;
  readonly declarations: Declarations;
  readonly settlements: SettleBuffer;
  /** The unsettled deliveries of every channel, for the lease keeper. */
  readonly unsettled: Set<UnsettledList>;
  readonly channels: Set<unknown>;
  openPublisher(events: ChannelEvents): Publisher;
  /** One message of a queue, not expired. */
  getOne(queue: string, o: Op & { noAck?: boolean }): Promise<{ reserved: Reserved; content: Content } | undefined>;
  settle(delivery: VirtualDelivery, outcome: Outcome | 'release'): void;
  settleConfirmed(delivery: VirtualDelivery, outcome: Outcome | 'release'): MaybePromise<void>;
  /** Reserved for nobody: back to the front. */
  giveBack(reserved: readonly Reserved[], noAck: boolean): void;
  nextTag(): number;
  now(): number;
  /** Waits for something, but no longer than that. */
  within(ms: number, work: Promise<unknown>): Promise<void>;
}
