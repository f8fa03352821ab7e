import type { CodecSet } from '../codec/codec-set.js';
import { CALL_OPTION_NAMES } from '../connection/call-options.js';
import type { Channel } from '../connection/channel.js';
import { type CallOptions, withDeadline } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import type { KombuError } from '../errors/index.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import { checkedSchema } from '../schema/validate.js';
import type { Delivery } from '../transport/delivery.js';
import { checkOptionNames } from '../util/check-options.js';
import { Admission } from './admission.js';
import { Failures, hooksOf } from './failures.js';
import { giveBack } from './give-back.js';
import { Message } from './message.js';
import type { MessageOwner } from './message-owner.js';
import { checkedAccept } from './resolve-consumer-options.js';

/** How one message is taken. */
export interface GetOptions<T = unknown> extends CallOptions {
  /** It counts as done when it is taken. Default: as the queue says. */
  readonly noAck?: boolean | undefined;
  /** The content types that are taken; see `ConsumerOptions.accept`. */
  readonly accept?: readonly string[] | 'any' | undefined;
  /** A Standard Schema of the payload. Default: that of the queue, if any. */
  readonly schema?: StandardSchema | undefined;
  /** Gets a message that may not or cannot be decoded. Default: it is rejected, not requeued. */
  readonly onDecodeError?: ((message: Message<T>, error: KombuError) => unknown) | undefined;
}

const GET_NAMES = new Set([...CALL_OPTION_NAMES, 'noAck', 'accept', 'schema', 'onDecodeError']);

/** Takes one message from a queue. @throws InvalidOptionError for an unknown option. */
export function getMessage<T>(queue: BoundQueue<T>, options: GetOptions<T>): Promise<Message<T> | undefined> {
  const { channel, name } = queue;
  // A call that may be given up acknowledges afterwards, so that a message that comes too late is not lost.
  const early = noAckOf(queue, options) && options.signal === undefined && options.timeoutMs === undefined;
  return receiveMessage(
    queue,
    options,
    (signal) => channel.get(name, signal === undefined ? { noAck: early } : { noAck: early, signal }),
    early,
  );
}

/** Makes a message of the delivery that `take` comes up with; `early`: the broker has forgotten it already. */
export async function receiveMessage<T>(
  queue: BoundQueue<T>,
  options: GetOptions<T>,
  take: (signal: AbortSignal | undefined) => Promise<Delivery | undefined>,
  early: boolean,
): Promise<Message<T> | undefined> {
  checkOptionNames('get', options, GET_NAMES);
  const { channel } = queue;
  const { connection } = channel;
  const admission = new Admission(checkedAccept(options.accept), connection.codec);
  const schema = checkedSchema<StandardSchema | undefined>('get', options.schema) ?? queue.entity.schema;
  const delivery = await withDeadline(
    options,
    connection.clock,
    `getting a message of queue '${queue.name}'`,
    async (signal) => {
      await admission.prepare();
      return take(signal);
    },
    (late) => {
      if (late !== undefined && !early) giveBack(channel, late);
    },
  );
  if (delivery === undefined) return undefined;
  const noAck = noAckOf(queue, options);
  if (noAck && !early) await channel.settle(delivery, 'ack');
  const message = new Message<T>(delivery, new GetOwner(channel, noAck, schema));
  await admission.admit(message as Message);
  if (message.failure === undefined) return message;
  await new Failures(connection, hooksOf<T>(options)).refused(message as Message);
  throw message.failure;
}

function noAckOf<T>(queue: BoundQueue<T>, options: GetOptions<T>): boolean {
  return options.noAck ?? queue.entity.noAck;
}

/** Owns a message that no consumer got. */
class GetOwner implements MessageOwner {
  readonly channel: Channel;
  readonly codec: CodecSet;
  readonly noAck: boolean;
  readonly schema: StandardSchema | undefined;

  constructor(channel: Channel, noAck: boolean, schema: StandardSchema | undefined) {
    this.channel = channel;
    this.codec = channel.connection.codec;
    this.noAck = noAck;
    this.schema = schema;
  }

  settled(): void {}
}
