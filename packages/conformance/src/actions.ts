import assert from 'node:assert/strict';
import type {
  Connection,
  Consumer,
  ConsumerOptions,
  Exchange,
  Message,
  PublishOptions,
  Queue,
  QueueInfo,
} from '@kombu/core';
import { idOf } from './collector.js';
import type { CaseContext } from './context.js';
import { sameMembers } from './expect.js';

/** Declares entities, one after the other. */
export async function declare(connection: Connection, ...entities: readonly (Queue | Exchange)[]): Promise<void> {
  for (const entity of entities) await entity.bind(connection).declare();
}

/** Publishes `{ id }` for each id and waits until the broker has all of them. */
export async function send(
  t: CaseContext,
  connection: Connection,
  to: Queue | PublishOptions,
  ids: readonly string[],
  options: PublishOptions = {},
): Promise<void> {
  const producer = t.producer(connection);
  const route = 'bind' in to ? { routingKey: (to as Queue).name } : to;
  await Promise.all(ids.map((id) => producer.publish({ id }, { ...route, ...options })));
  await producer.close();
}

/** How many messages are ready in a queue. */
export async function ready(connection: Connection, queue: Queue): Promise<number> {
  return (await info(connection, queue)).messageCount;
}

/** What a passive declaration says about a queue; NOT_FOUND when it is not there. */
export function info(connection: Connection, queue: Queue): Promise<QueueInfo> {
  return queue.bind(connection).queueDeclare({ passive: true });
}

/** Takes one message; waits for it. */
export function fetchOne(
  t: CaseContext,
  connection: Connection,
  queue: Queue,
  o: { readonly noAck?: boolean } = {},
): Promise<Message> {
  return t.until(`a message in ${queue.name}`, () => queue.bind(connection).get(o));
}

/** Takes so many messages and leaves them unsettled. */
export async function fetchMany(t: CaseContext, connection: Connection, queue: Queue, n: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < n) messages.push(await fetchOne(t, connection, queue));
  return messages;
}

/**
 * Takes everything that is in a queue, and returns the ids in their order: the end is when a get finds nothing and the queue
 * says that it is empty.
 */
export async function drain(t: CaseContext, connection: Connection, queue: Queue): Promise<string[]> {
  const found: string[] = [];
  const bound = queue.bind(connection);
  await t.until(`${queue.name} is drained`, async () => {
    for (;;) {
      const message = await bound.get({ noAck: true });
      if (message === undefined) break;
      found.push(idOf(message));
    }
    return (await ready(connection, queue)) === 0;
  });
  return found;
}

/** Shows that a queue has exactly these messages, and empties it. */
export async function holds(
  t: CaseContext,
  connection: Connection,
  queue: Queue,
  expected: readonly string[],
  what = `what is in ${queue.name}`,
): Promise<void> {
  const found: string[] = [];
  const seen = async (): Promise<boolean> => {
    found.push(...(await drain(t, connection, queue)));
    return expected.every((id) => found.includes(id));
  };
  try {
    await t.until(what, seen);
  } catch {
    // The comparison below says more than the deadline does.
  }
  sameMembers(found, expected, what);
}

/** Shows that nothing is in a queue. */
export async function isEmpty(t: CaseContext, connection: Connection, queue: Queue, what?: string): Promise<void> {
  assert.deepEqual(await drain(t, connection, queue), [], what ?? `${queue.name} is empty`);
}

/** Starts a consumer. */
export async function consume(
  connection: Connection,
  queues: Queue | readonly Queue[],
  onMessage: (message: Message) => unknown,
  o: Omit<ConsumerOptions, 'queues' | 'onMessage'> = {},
): Promise<Consumer> {
  const list = Array.isArray(queues) ? (queues as readonly Queue[]) : [queues as Queue];
  const consumer = connection.consumer({
    queues: list,
    onMessage: async (message: Message) => {
      await onMessage(message);
    },
    ...o,
  });
  await consumer.consume();
  return consumer;
}
