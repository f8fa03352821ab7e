import type { TransportContext } from '@kombu/core';
import type { Channel, ChannelModel } from 'amqplib';
import type { ResolvedAmqpOptions } from '../options.js';
import type { FrameReader } from '../wire/frame-reader.js';
import type { Output } from '../wire/output.js';
import type { TableWriter } from '../wire/table-writer.js';
import type { QueueKinds } from './queue-kinds.js';
import type { UtilityChannels } from './utility-channels.js';

/** What the channels of a link need of it. */
export interface LinkCore {
  readonly driver: ChannelModel;
  readonly options: ResolvedAmqpOptions;
  readonly context: TransportContext;
  readonly output: Output;
  readonly reader: FrameReader;
  readonly tables: TableWriter;
  readonly utility: UtilityChannels;
  /** Exchanges that were there when this link last looked: publishing to them needs no check. */
  readonly exchanges: Set<string>;
  /** Exchange types that the broker is known to have. */
  readonly exchangeTypes: Set<string>;
  /** Which queues are streams. */
  readonly queueKinds: QueueKinds;
  /** The largest frame that the broker takes, in bytes. */
  readonly frameMax: number;
  /** Whether the broker takes no messages now, because of an alarm. */
  readonly blocked: boolean;
  /** Runs what may end a connection on one of its own; rejects with the driver's error. */
  elsewhere<T>(operation: (channel: Channel) => Promise<T>): Promise<T>;
  /** Why the link is lost, as the driver told it; undefined while it is not. */
  readonly lostBecause: unknown;
}
