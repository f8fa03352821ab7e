// @kombu/core over any broker, with the public API.
import { Connection, Exchange, Queue } from '@kombu/core';
import { run } from './scenarios.js';

let settings;
let connection;
let producer;
let queues;

const name = (i) => `bench.${settings.id}.${i}`;

await run({
  async open(given) {
    settings = given;
    connection = new Connection(settings.url, { transportOptions: settings.transportOptions ?? {} });
    const exchange = new Exchange(`bench.${settings.id}`, { type: 'direct' });
    queues = Array.from(
      { length: settings.queues ?? 1 },
      (_, i) => new Queue(name(i), { exchange, routingKey: name(i) }),
    );
    producer = connection.producer({ exchange });
  },
  async clear() {
    for (const queue of queues) {
      const bound = queue.bind(connection);
      await bound.declare();
      await bound.purge();
    }
  },
  publish: (body, i) => producer.publish(body, { routingKey: name(i % queues.length) }),
  async counts() {
    let stored = 0;
    for (const queue of queues) stored += (await queue.bind(connection).queueDeclare()).messageCount;
    return { stored, inFlight: 0 };
  },
  async consume(onBody) {
    let last;
    const consumer = connection.consumer({
      queues,
      prefetchCount: settings.prefetch ?? 100,
      onMessage(message) {
        onBody(message.payload);
        message.ack();
        last = message;
      },
    });
    await consumer.consume();
    return async () => {
      await consumer.close();
      if (last !== undefined && !last.acknowledged) throw new Error('the last message is not acknowledged');
    };
  },
  async close() {
    for (const queue of queues) await queue.bind(connection).delete();
    await connection.close();
  },
});
