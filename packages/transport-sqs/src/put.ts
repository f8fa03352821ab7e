import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { WireMessage } from '@kombu/core';
import { InvalidOptionError, type KombuError, NotSupportedError, UndeliverableError, uuid } from '@kombu/core';
import { isStoredAgain, type PutEntry, type VirtualDriver } from '@kombu/core/virtual';
import { eachItem } from './each-item.js';
import type { SqsLink } from './link.js';
import { envelopeOf, sizeOf, writeAttributes, writeBody } from './message-body.js';
import { BATCH_BYTES, failuresOf, type Outgoing, type SqsQueue, storeError } from './queue.js';
import type { Queues } from './queues.js';

/** The most bytes that a message may have at SQS. */
const MOST_BYTES = 1_048_576;
/** The largest body that is written as base64 twice, in the envelope and with it; and one that is once. What is left is for headers. */
export const MOST_BODY_BYTES = { twice: 524_288, once: 737_280 } as const;
/** What messages of a FIFO queue belong to that name no group, as in Python. */
const DEFAULT_GROUP = 'default';
const MOST_DELAY_SECONDS = 900;

/** Properties of a message that SQS has a place for. */
export function ids(message: WireMessage, fifo: boolean) {
  const { MessageGroupId: group, MessageDeduplicationId: own } = message.properties;
  // What is stored again must not be taken for the message that it was before.
  const duplicate = isStoredAgain(message) ? undefined : own;
  return {
    // Also for a standard queue, which shares its consumers fairly among groups then.
    ...(fifo || group !== undefined ? { MessageGroupId: String(group ?? DEFAULT_GROUP) } : {}),
    ...(fifo ? { MessageDeduplicationId: String(duplicate ?? uuid()) } : {}),
  };
}

function delayOf({ queue: name, message }: PutEntry, fifo: boolean): { DelaySeconds?: number } {
  const { DelaySeconds: value } = message.properties;
  // What is stored again has had its delay.
  if (value === undefined || value === null || isStoredAgain(message)) return {};
  const seconds = typeof value === 'number' || typeof value === 'string' ? Number(value || Number.NaN) : Number.NaN;
  if (value !== 0 && !(seconds >= 0 && seconds <= MOST_DELAY_SECONDS)) {
    throw new InvalidOptionError(
      `a message for queue '${name}': DelaySeconds must be 0 to ${MOST_DELAY_SECONDS}, not ${JSON.stringify(value)}`,
    );
  }
  if (!fifo) return { DelaySeconds: Math.ceil(seconds || 0) };
  if (!seconds) return {};
  throw new NotSupportedError(`a message for queue '${name}': FIFO queues have no DelaySeconds for one message`);
}

function tooLarge(queue: string, bytes: number, most: number, what: string): UndeliverableError {
  return new UndeliverableError(
    'MESSAGE_TOO_LARGE',
    `a message for queue '${queue}' has ${bytes} bytes ${what}, SQS takes ${most}`,
  );
}

/** A message as SQS has it. Throws where it can not be sent. */
function outgoing(entry: PutEntry, queue: SqsQueue, base64: boolean): Outgoing {
  const { queue: name, payload, message } = entry;
  const { properties, body } = message;
  const most = base64 ? MOST_BODY_BYTES.twice : MOST_BODY_BYTES.once;
  if (body.byteLength > most) throw tooLarge(name, body.byteLength, most, 'in its body');
  const attributes = writeAttributes(properties.message_attributes, `a message for queue '${name}'`);
  const MessageBody = writeBody(envelopeOf(payload as string, attributes), base64);
  const bytes = sizeOf(MessageBody, attributes);
  if (bytes > MOST_BYTES) throw tooLarge(name, bytes, MOST_BYTES, 'with its envelope');
  const MessageAttributes = attributes && { MessageAttributes: attributes };
  const own = { ...delayOf(entry, queue.fifo), ...ids(message, queue.fifo) };
  return { entry: { MessageBody, ...MessageAttributes, ...own }, bytes };
}

/** Sends one batch; resolves with the errors of those that were not stored. */
export async function sendBatch(
  link: SqsLink,
  queue: SqsQueue,
  items: readonly Outgoing[],
): Promise<ReadonlyMap<number, KombuError>> {
  const QueueUrl = await queue.url();
  const [first] = items;
  // Alone in its batch: an old queue may take less than a new one does.
  if (first !== undefined && first.bytes > BATCH_BYTES) {
    const most = await queue.largest();
    if (first.bytes > most) return new Map([[0, tooLarge(queue.name, first.bytes, most, 'with its envelope')]]);
  }
  const Entries = items.map(({ entry }, i) => ({ ...entry, Id: String(i) }));
  const { Failed } = await link.call(`storing messages in queue '${queue.name}'`, (o) =>
    queue.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }), o),
  );
  return failuresOf(Failed, (entry) => storeError(queue.name, entry));
}

/** The part of the driver that stores messages. */
export function createPut(link: SqsLink, queues: Queues, base64: boolean): VirtualDriver['put'] {
  return async ({ entries }) => {
    link.check();
    const what = ({ queue }: PutEntry): string => `storing a message in queue '${queue}'`;
    const failures = await eachItem(entries, what, (entry, done) => {
      const queue = queues.get(entry.queue);
      queue.sends.add(outgoing(entry, queue, base64), done);
      return queue.sends;
    });
    return { failures, evicted: [] };
  };
}
