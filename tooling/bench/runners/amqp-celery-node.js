// celery-node's client over RabbitMQ, unconfirmed. `sendTask` tells nothing of what becomes of a task; this is what it calls.
import { connect } from 'amqplib';
import { createClient } from 'celery-node';
import { run } from './scenarios.js';

let client;
let connection;
let channel;
let queue;

await run({
  async open(settings) {
    queue = `cn.${settings.id}`;
    client = createClient(settings.url, settings.url, queue);
    client.conf.CELERY_BROKER_OPTIONS = { noDelay: true };
    connection = await connect(settings.url);
    channel = await connection.createChannel();
    await client.isReady();
    await channel.assertQueue(queue, { durable: true });
  },
  clear: () => channel.purgeQueue(queue),
  publish: (body) => client.broker.publish(body, '', queue, {}, {}),
  counts: async () => ({ stored: (await channel.checkQueue(queue)).messageCount }),
  async close() {
    await channel.deleteQueue(queue);
    await connection.close();
    await client.disconnect();
  },
});
