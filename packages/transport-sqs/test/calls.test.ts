import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type Connection, type Message, Queue, silentLogger } from '@kombu/core';
import { SqsLink } from '../src/link.js';
import { Queues } from '../src/queues.js';
import { startService } from './support/sqs.js';

jest.setTimeout(60_000);

const service = await startService();

afterAll(() => service.close());

const total = (calls: Readonly<Record<string, number>>): number => Object.values(calls).reduce((a, b) => a + b, 0);

async function fill(connection: Connection, queue: Queue, count: number): Promise<void> {
  await queue.bind(connection).declare();
  const producer = connection.producer();
  await Promise.all(Array.from({ length: count }, (_, n) => producer.publish({ n }, { routingKey: queue.name })));
}

describe('calls, which are what SQS costs', () => {
  it('publishing, receiving and removing 1,000 messages takes little more than 100 of each', async () => {
    const connection = service.connect();
    const queue = new Queue('thousand');
    const sent = await service.counted(() => fill(connection, queue, 1000));
    expect(sent.SendMessageBatch).toBeLessThanOrEqual(110);
    expect(sent.SendMessage).toBeUndefined();
    let count = 0;
    const received = await service.counted(async () => {
      const consumer = connection.consumer({
        queues: [queue],
        onMessage: async (message: Message) => {
          count++;
          await message.ack();
        },
        prefetchCount: 200,
      });
      await consumer.consume();
      await until(() => count === 1000, { what: 'all came' });
      await consumer.close();
      await connection.close();
    });
    expect(received.ReceiveMessage).toBeLessThanOrEqual(125);
    expect(received.DeleteMessageBatch).toBeLessThanOrEqual(180);
    expect(Object.keys(received).sort()).toEqual(
      expect.arrayContaining(['DeleteMessageBatch', 'ReceiveMessage']) as unknown as string[],
    );
  });

  it('an idle queue costs one receive for each wait, and no CPU', async () => {
    const connection = service.connect({}, { waitTimeMs: 2000 });
    const queues = [new Queue('idle-1'), new Queue('idle-2')];
    const consumer = connection.consumer({ queues, onMessage: () => {}, prefetchCount: 1 });
    await consumer.consume();
    const before = process.cpuUsage();
    const calls = await service.counted(() => sleep(4500));
    const { user, system } = process.cpuUsage(before);
    expect(calls.ReceiveMessage).toBeGreaterThanOrEqual(4);
    expect(calls.ReceiveMessage).toBeLessThanOrEqual(6);
    expect(total(calls)).toBe(calls.ReceiveMessage);
    expect((user + system) / 1000).toBeLessThan(450);
    await connection.close();
  });

  it('a message for a queue that is waited for comes at once, with prefetch 1 and an idle queue, too', async () => {
    const connection = service.connect({}, { waitTimeMs: 20_000 });
    const [idle, busy] = [new Queue('idle-3'), new Queue('busy')];
    let count = 0;
    const consumer = connection.consumer({
      queues: [idle, busy],
      onMessage: async (message: Message) => {
        count++;
        await message.ack();
      },
      prefetchCount: 1,
    });
    await consumer.qos({ prefetchCount: 1, global: true });
    await consumer.consume();
    const begun = performance.now();
    await fill(connection, busy, 10);
    await until(() => count === 10, { what: 'all came' });
    expect(performance.now() - begun).toBeLessThan(10_000);
    await idle.bind(connection).delete();
    await busy.bind(connection).delete();
    await connection.close();
  });

  it('free prefetch is never idle behind a slow message', async () => {
    const connection = service.connect();
    const queue = new Queue('slow-and-fast');
    let fast = 0;
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const consumer = connection.consumer({
      queues: [queue],
      onMessage: async (message: Message) => {
        if ((message.payload as { n: number }).n === 0) await slow;
        else fast++;
        await message.ack();
      },
      prefetchCount: 10,
    });
    await fill(connection, queue, 60);
    await consumer.consume();
    await until(() => fast === 59, { what: 'all others were handled' });
    release();
    await consumer.close();
    await connection.close();
  });

  it('a queue is looked for once', async () => {
    const connection = service.connect();
    await fill(connection, new Queue('first'), 1);
    const publish = (): Promise<void> => connection.producer().publish({}, { routingKey: 'first' });
    expect(await service.counted(publish)).toEqual({ SendMessageBatch: 1 });
  });

  it('queues that nothing waits for are forgotten when there are very many, the first ones first', async () => {
    const client = new SQSClient({ region: 'us-east-1' });
    const link = new SqsLink(silentLogger, 1000, () => client.destroy());
    const queues = new Queues(link, { of: () => client, sns: () => ({}), keep() {}, destroy() {} }, {});
    const names = Array.from({ length: 5001 }, (_, n) => `reply-${n}`);
    const [first, second] = names.map((name) => queues.get(name));
    expect(queues.get('reply-1')).toBe(second);
    expect(queues.get('reply-0')).not.toBe(first);
    link.end();
  });

  it('queues that are named beforehand are neither looked for, made nor deleted', async () => {
    const owner = service.connect();
    const queue = new Queue('theirs');
    await queue.bind(owner).declare();
    const url = `http://127.0.0.1:${service.server.port}/000000000000/theirs`;
    const connection = service.connect({}, { predefinedQueues: { theirs: { url } } });
    const calls = await service.counted(async () => {
      await fill(connection, queue, 5);
      const message = await queue.bind(connection).get();
      await message?.ack();
      expect(await queue.bind(connection).delete()).toBeGreaterThanOrEqual(0);
      await connection.close();
    });
    expect(Object.keys(calls).sort()).toEqual([
      'DeleteMessageBatch',
      'GetQueueAttributes',
      'ReceiveMessage',
      'SendMessageBatch',
    ]);
    expect((await queue.bind(owner).queueDeclare()).messageCount).toBe(4);
  });
});
