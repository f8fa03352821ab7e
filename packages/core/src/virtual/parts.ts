import type { Op } from '../transport/channel.js';
import type { ConsumeLoop } from './consume-loop.js';
import type { Consumers } from './consumers.js';
import type { Declarations } from './declarations.js';
import type { Content, UnsettledList } from './delivery.js';
import type { Reserved } from './driver.js';
import type { Link } from './link.js';
import type { Publisher } from './publisher.js';
import type { Settling } from './settling.js';

/** What a channel uses of its connection. */
export interface Parts {
  readonly link: Link;
  readonly loop: ConsumeLoop;
  readonly consumers: Consumers;
  readonly declarations: Declarations;
  readonly settling: Settling;
  /** The unsettled deliveries of every channel, for the lease keeper. */
  readonly unsettled: Set<UnsettledList>;
  readonly channels: Set<unknown>;
  openPublisher(): Publisher;
  /** One message of a queue that has not expired. */
  getOne(queue: string, o: Op & { noAck?: boolean }): Promise<Opened | undefined>;
  purge(queue: string, o?: Op): Promise<number>;
  /** Credit came back. */
  resume(): void;
  nextTag(): number;
  now(): number;
}

/** A reserved message, and what is inside. */
export interface Opened {
  readonly reserved: Reserved;
  readonly content: Content;
}
