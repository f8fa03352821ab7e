import { Connection, Exchange, Queue } from '@kombu/core';

/**
 * The adapter of `@kombu/core` over any broker, with the public API: what kombu.js runs. A transport that can count its calls to
 * the broker spreads it and adds `calls()`.
 */
export function kombuAdapter() {
  let settings;
  let connection;
  let consuming;
  let producer;
  let queues;
  /** How each queue is published to. */
  let routes;

  const name = (i) => `bench.${settings.id}.${i}`;
  const connect = () => new Connection(settings.url, { transportOptions: settings.transportOptions ?? {} });

  async function connected() {
    const fresh = connect();
    await fresh.connect();
    return fresh;
  }

  return {
    async open(given) {
      settings = given;
      connection = connect();
      consuming = await connected();
      const exchange = new Exchange(`bench.${settings.id}`, { type: 'direct' });
      queues = Array.from(
        { length: settings.queues ?? 1 },
        (_, i) => new Queue(name(i), { exchange, routingKey: name(i) }),
      );
      routes = queues.map(({ routingKey }) => ({ routingKey }));
      producer = connection.producer({ exchange });
    },
    async clear() {
      for (const queue of queues) {
        const bound = queue.bind(connection);
        await bound.declare();
        await bound.purge();
      }
    },
    publish: (body, i) => producer.publish(body, routes[i % routes.length]),
    async counts() {
      let stored = 0;
      for (const queue of queues) stored += (await queue.bind(connection).queueDeclare()).messageCount;
      return { stored };
    },
    async consume(onBody) {
      let last;
      const consumer = consuming.consumer({
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
    // The consumer has a link of its own: closing it gives back what was not settled, so that `counts` finds it.
    async release() {
      await consuming.close();
      consuming = await connected();
    },
    async close() {
      for (const queue of queues) await queue.bind(connection).delete();
      await consuming.close();
      await connection.close();
    },
  };
}
