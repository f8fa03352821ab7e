import type { CodecSet } from '../codec/codec-set.js';
import type { Channel } from '../connection/channel.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import type { Message } from './message.js';

/** What a message needs of those who received it. */
export interface MessageOwner {
  readonly channel: Channel;
  readonly codec: CodecSet;
  /** The broker has forgotten the message already. */
  readonly noAck: boolean;
  /** What payloads have to match; undefined: anything. */
  readonly schema?: StandardSchema | undefined;
  /** It was settled by one of its methods, or that failed because it could not be any more. */
  settled(message: Message, multiple: boolean): void;
}
