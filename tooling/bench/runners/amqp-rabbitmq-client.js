// rabbitmq-client: a confirming publisher, and a consumer that acknowledges when its handler returns.
import { Connection } from 'rabbitmq-client';
import { run } from './scenarios.js';

let settings;
let connection;
let publisher;
let name;

await run({
  async open(given) {
    settings = given;
    name = `rc.${settings.id}`;
    connection = new Connection({ url: settings.url, noDelay: true });
    await connection.exchangeDeclare({ exchange: name, type: 'direct', durable: true });
    await connection.queueDeclare({ queue: name, durable: true });
    await connection.queueBind({ queue: name, exchange: name, routingKey: name });
    publisher = connection.createPublisher({ confirm: settings.confirm });
  },
  clear: () => connection.queuePurge({ queue: name }),
  publish: (body) => publisher.send({ exchange: name, routingKey: name, durable: true }, body),
  async counts() {
    const { messageCount } = await connection.queueDeclare({ queue: name, passive: true });
    return { stored: messageCount };
  },
  async consume(onBody) {
    const consumer = connection.createConsumer(
      { queue: name, queueOptions: { durable: true }, qos: { prefetchCount: settings.prefetch ?? 100 } },
      async (message) => onBody(message.body),
    );
    await new Promise((resolve) => consumer.once('ready', resolve));
    // Closing it closes its channel, which gives back what was not settled, so that `counts` finds it.
    return () => consumer.close();
  },
  async close() {
    await publisher.close();
    await connection.queueDelete({ queue: name });
    await connection.exchangeDelete({ exchange: name });
    await connection.close();
  },
});
