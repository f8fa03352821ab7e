import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Broadcast, Mailbox, type Message, Queue } from '@kombu/core';
import { startService } from './support/sqs.js';

jest.setTimeout(30_000);

const service = await startService();

afterAll(() => service.close());

describe('what SQS does not have', () => {
  it.each([
    ['maxPriority', new Queue('none-1', { maxPriority: 5 })],
    ['expiresMs', new Queue('none-2', { expiresMs: 60_000 })],
    ['maxLength', new Queue('none-3', { maxLength: 5 })],
  ])('%s is refused when a queue is declared', async (_option, queue) => {
    const declaring = queue.bind(service.connect()).declare();
    await expect(declaring).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
  });

  it('the priority of a message is kept for who reads it, and moves nothing', async () => {
    const connection = service.connect();
    const queue = new Queue('no-priorities');
    await connection.producer().publish({ n: 1 }, { routingKey: queue.name, declare: [queue], priority: 9 });
    const message = await until(() => queue.bind(connection).get(), { what: 'it is there' });
    expect([message.payload, message.properties.priority]).toEqual([{ n: 1 }, 9]);
    await message.ack({ confirm: true });
  });

  it('a queue with autoDelete stays, as others may consume from it; an exclusive one goes with its connection', async () => {
    const [mine, other] = [service.connect(), service.connect()];
    const stays = new Queue('stays', { autoDelete: true });
    const goes = new Queue('goes', { exclusive: true });
    const consumer = mine.consumer({ queues: [stays, goes], onMessage: () => {} });
    await consumer.consume();
    await consumer.close();
    await mine.close();
    await other.producer().publish({ n: 1 }, { routingKey: stays.name });
    const message = await until(() => stays.bind(other).get(), { what: 'it is there' });
    await message.ack({ confirm: true });
    await stays.bind(other).delete();
    const looking = goes.bind(other).declare({ passive: true });
    await expect(looking).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
  });

  it('a Broadcast reaches everybody all the same, and a mailbox its nodes', async () => {
    const connection = service.connect();
    const got: unknown[] = [];
    const [one, two] = [new Broadcast('news'), new Broadcast('news')];
    const consumers = [one, two].map((queue) =>
      connection.consumer({
        queues: [queue],
        onMessage: async (message: Message) => {
          got.push(message.payload);
          await message.ack();
        },
      }),
    );
    for (const consumer of consumers) await consumer.consume();
    await connection.producer().publish('lolcat', { exchange: one.exchange });
    await until(() => got.length === 2, { what: 'both have it' });
    const told: unknown[] = [];
    const mailbox = new Mailbox('shop', {}, connection);
    const node = mailbox.node('shop-1', { handlers: { count: (_state, args) => void told.push(args) } });
    const listening = await node.listen();
    await mailbox.cast(['shop-1'], 'count', { n: 1 });
    await until(() => told.length === 1, { what: 'it was told' });
    expect([got, told]).toEqual([['lolcat', 'lolcat'], [{ n: 1 }]]);
    await listening.close();
    for (const consumer of consumers) await consumer.close();
  });
});
