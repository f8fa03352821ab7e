// Publish, consume, decode and acknowledge through memory://, with the public API.
import { Connection, Exchange, Queue } from '@kombu/core';
import { body } from './message.js';

const { messages, passes } = JSON.parse(process.argv.at(-1));
const connection = new Connection('memory://bench');
const exchange = new Exchange('bench', { type: 'direct' });
const queue = new Queue('bench', { exchange, routingKey: 'bench' });
const producer = connection.producer({ exchange, routingKey: 'bench' });
await queue.bind(connection).declare();

async function pass() {
  let sum = 0;
  let seen = 0;
  const started = performance.now();
  for (let i = 0; i < messages; i += 1000) {
    const batch = [];
    for (let j = i; j < Math.min(i + 1000, messages); j++) batch.push(producer.publish(body(j)));
    await Promise.all(batch);
  }
  const { promise, resolve } = Promise.withResolvers?.() ?? withResolvers();
  const consumer = connection.consumer({
    queues: [queue],
    prefetchCount: 100,
    onMessage(message) {
      sum += message.payload.args[0];
      message.ack();
      if (++seen === messages) resolve();
    },
  });
  await consumer.consume();
  await promise;
  const seconds = (performance.now() - started) / 1000;
  await consumer.close();
  const left = await queue.bind(connection).purge();
  if (sum !== (messages * (messages - 1)) / 2 || left !== 0 || seen !== messages) {
    throw new Error(`a message is missing or doubled: sum ${sum}, seen ${seen}, left ${left}`);
  }
  return seconds;
}

function withResolvers() {
  let resolve;
  const promise = new Promise((r) => {
    resolve = r;
  });
  return { promise, resolve };
}

for (let i = 0; i < passes; i++) await pass();
const seconds = await pass();
await connection.close();
console.log(JSON.stringify({ messages, seconds }));
