import type { Message } from '@aws-sdk/client-sqs';
import type { Reserved, ReserveRequest, VirtualDriver } from '@kombu/core/virtual';
import { gather } from './gather.js';
import type { SqsLink } from './link.js';
import { readBody } from './message-body.js';
import { removeAll } from './purge.js';
import { BATCH, type SqsQueue } from './queue.js';
import type { Queues } from './queues.js';
import { handlesOf, receiveCommand } from './receive-command.js';
import { isMissing } from './translate-error.js';

/** How many receives of one queue that is full are in the air at once. */
const PARALLEL = 4;
/** The most that one reserve brings. */
export const RESERVE = BATCH * PARALLEL;
/** How long what one of them has brought waits for the others. */
const LATE_MS = 200;
const MOST_SECONDS = 43_200;

/** What names a reservation. */
export interface Receipt {
  readonly handle: string;
  /** How often the message was received so far, this time included. */
  readonly count: number;
}

/** Whole seconds, as SQS has them; never less than was asked for. */
export function secondsOf(ms: number): number {
  return Math.min(MOST_SECONDS, Math.max(0, Math.ceil(ms / 1000)));
}

function toReserved(queue: string, message: Message): Reserved {
  const { ReceiptHandle: handle = '', Body = '', Attributes, MessageAttributes: attributes } = message;
  const count = Number(Attributes?.ApproximateReceiveCount ?? 1);
  const token: Receipt = { handle, count };
  const properties = attributes && { properties: { message_attributes: attributes } };
  return { queue, token, payload: readBody(Body), attempts: count - 1, ...properties };
}

/** The part of the driver that receives messages. A receive in flight is never aborted: that would hide what it brings. */
export function createReserve(link: SqsLink, queues: Queues): VirtualDriver['reserve'] {
  const receive = async (
    queue: SqsQueue,
    max: number,
    waitMs: number,
    leaseMs: number,
  ): Promise<readonly Message[]> => {
    const QueueUrl = await queue.url();
    const { Messages = [] } = await link.call(
      `receiving from queue '${queue.name}'`,
      (o) =>
        queue.client.send(
          receiveCommand(link, {
            QueueUrl,
            MaxNumberOfMessages: Math.min(BATCH, max),
            WaitTimeSeconds: secondsOf(waitMs),
            VisibilityTimeout: secondsOf(leaseMs),
            MessageSystemAttributeNames: ['ApproximateReceiveCount'],
            MessageAttributeNames: ['All'],
          }),
          o,
        ),
      waitMs,
    );
    return Messages;
  };

  /** Several receives at once from a queue that was full a moment ago; none of them waits, or all would wait for it. */
  const receiveMany = async (queue: SqsQueue, max: number, leaseMs: number): Promise<readonly Message[]> => {
    const parts: number[] = [];
    for (let left = max; left > 0; left -= BATCH) parts.push(Math.min(BATCH, left));
    const receives = parts.map((part) => receive(queue, part, 0, leaseMs));
    return gather(receives, LATE_MS, (late) =>
      link.receives.hold(late.then((messages) => queue.release(handlesOf(messages)))),
    );
  };

  const take = async (
    queue: SqsQueue,
    { max, leaseMs, waitMs, signal }: ReserveRequest,
  ): Promise<readonly Message[]> => {
    if (queue.hot && max > BATCH) {
      const many = await receiveMany(queue, max, leaseMs);
      queue.hot = many.length >= BATCH;
      if (many.length > 0 || signal.aborted) return many;
    }
    const got = await receive(queue, max, waitMs, leaseMs);
    queue.hot = got.length === BATCH;
    return got;
  };

  return async (request) => {
    link.check();
    const [name = ''] = request.queues;
    const queue = queues.get(name);
    // What was made visible before is there for this receive.
    await queue.visibilities.drained();
    if (request.signal.aborted) return [];
    const taking = link.receives.take(
      () => take(queue, request),
      (late) => queue.release(handlesOf(late)),
      request.waitMs > 0 ? request.signal : undefined,
    );
    const got = await taking.catch((error: unknown) => {
      // Where a queue was just made, not every server knows of it.
      if (isMissing(error) && queue.isNew) return [];
      throw error;
    });
    if (!request.noAck || got.length === 0) return got.map((message) => toReserved(name, message));
    const handles = handlesOf(got);
    if (request.signal.aborted) {
      for (const handle of handles) queue.visibilities.add({ handle, seconds: 0 }, () => {});
      queue.visibilities.flush();
      return [];
    }
    await removeAll(queue, handles).catch((error: Error) => {
      link.logger.warn(`what was received without acknowledgement may come again: ${error.message}`);
    });
    return got.map((message) => ({ ...toReserved(name, message), token: undefined }));
  };
}
