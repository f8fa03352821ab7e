import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { type KombuError, UndeliverableError, uuid } from '@kombu/core';
import type { PutEntry, VirtualDriver } from '@kombu/core/virtual';
import { eachItem } from './each-item.js';
import type { SqsLink } from './link.js';
import { sizeOf, writeAttributes, writeBody } from './message-body.js';
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
export function ids(properties: Readonly<Record<string, unknown>>, fifo: boolean) {
  const { MessageGroupId: group, MessageDeduplicationId: duplicate } = properties;
  return {
    // Also for a standard queue, which shares its consumers fairly among groups then.
    ...(fifo || group !== undefined ? { MessageGroupId: String(group ?? DEFAULT_GROUP) } : {}),
    ...(fifo ? { MessageDeduplicationId: String(duplicate ?? uuid()) } : {}),
  };
}

function delayOf(value: unknown): { DelaySeconds?: number } {
  if (value === undefined || value === null) return {};
  const seconds = Number(value);
  return { DelaySeconds: seconds >= 0 ? Math.min(MOST_DELAY_SECONDS, Math.ceil(seconds)) : 0 };
}

function tooLarge(queue: string, bytes: number, most: number, what: string): UndeliverableError {
  return new UndeliverableError(
    'MESSAGE_TOO_LARGE',
    `a message for queue '${queue}' has ${bytes} bytes ${what}, SQS takes ${most}`,
  );
}

/** A message as SQS has it. Throws where it can not be sent. */
function outgoing({ queue: name, payload, message }: PutEntry, queue: SqsQueue, base64: boolean): Outgoing {
  const { properties, body } = message;
  const most = base64 ? MOST_BODY_BYTES.twice : MOST_BODY_BYTES.once;
  if (body.byteLength > most) throw tooLarge(name, body.byteLength, most, 'in its body');
  const MessageBody = writeBody(payload as string, base64);
  const attributes = writeAttributes(properties.message_attributes, `a message for queue '${name}'`);
  const bytes = sizeOf(MessageBody, attributes);
  if (bytes > MOST_BYTES) throw tooLarge(name, bytes, MOST_BYTES, 'with its envelope');
  const delay = queue.fifo ? {} : delayOf(properties.DelaySeconds);
  const MessageAttributes = attributes && { MessageAttributes: attributes };
  return { entry: { MessageBody, ...MessageAttributes, ...delay, ...ids(properties, queue.fifo) }, bytes };
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
