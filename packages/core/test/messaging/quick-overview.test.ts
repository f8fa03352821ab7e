import { expect, it } from '@jest/globals';
import { Connection, Exchange, Queue } from '../../src/index.js';

it('runs the quick overview as it is written', async () => {
  const seen: unknown[] = [];
  const media = new Exchange('media', { type: 'direct', durable: true });
  const video = new Queue('video', { exchange: media, routingKey: 'video' });

  await using connection = new Connection('memory://quick-overview');

  const producer = connection.producer();
  await producer.publish(
    { name: '/tmp/lolcat1.avi', size: 1301013 },
    { exchange: media, routingKey: 'video', declare: [video] },
  );

  const handled = new Promise<void>((resolve) => {
    const consumer = connection.consumer({
      queues: [video],
      prefetchCount: 10,
      accept: ['json'],
      onMessage: async (message) => {
        seen.push(message.payload);
        await message.ack();
        await consumer.close();
        resolve();
      },
    });
    void consumer.consume();
  });
  await handled;
  expect(seen).toEqual([{ name: '/tmp/lolcat1.avi', size: 1301013 }]);

  await producer.publish('one', { exchange: media, routingKey: 'video' });
  await producer.publish('two', { exchange: media, routingKey: 'video' });
  for await (const message of connection.consumer({ queues: [video] })) {
    seen.push(message.payload);
    await message.ack();
    break;
  }
  expect(seen[1]).toBe('one');
  const left = await video.bind(connection).queueDeclare({ passive: true });
  expect(left.messageCount).toBe(1);
});
