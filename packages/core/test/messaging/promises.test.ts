import { createHook } from 'node:async_hooks';
import { expect, it } from '@jest/globals';
import { Queue } from '../../src/index.js';
import { openMemory, until } from '../support/memory.js';

it('makes no promise for a message that is published, delivered and settled synchronously', async () => {
  const { connection } = openMemory();
  const queue = new Queue('q');
  await queue.bind(connection).declare();
  const producer = connection.producer({ routingKey: 'q' });
  await producer.publish({ n: -1 });
  await queue.bind(connection).purge();
  let promises = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++;
    },
  });

  hook.enable();
  for (let n = 0; n < 2000; n++) void producer.publish({ n });
  hook.disable();
  expect(promises).toBe(0);

  let sum = 0;
  let count = 0;
  const consumer = connection.consumer({
    queues: [new Queue<{ n: number }>('q')],
    prefetchCount: 200,
    onMessage: (message) => {
      sum += message.payload.n;
      count++;
      void message.ack();
    },
  });
  await consumer.consume();
  hook.enable();
  await until(() => count === 2000);
  hook.disable();
  expect(sum).toBe(1999 * 1000);
  expect(promises).toBeLessThan(200);
  await connection.close();
});
