// The raw driver, confirmed (`confirm: true`) or not.
import { connect } from 'amqplib';
import { run } from './scenarios.js';

let settings;
let connection;
let channel;
let name;

await run({
  async open(given) {
    settings = given;
    name = `raw.${settings.id}`;
    connection = await connect(settings.url);
    channel = settings.confirm ? await connection.createConfirmChannel() : await connection.createChannel();
    await channel.assertExchange(name, 'direct', { durable: true });
    await channel.assertQueue(name, { durable: true });
    await channel.bindQueue(name, name, name);
  },
  clear: () => channel.purgeQueue(name),
  publish(body) {
    const bytes = Buffer.from(JSON.stringify(body));
    const options = { persistent: true, contentType: 'application/json', contentEncoding: 'utf-8', headers: {} };
    if (!settings.confirm) {
      if (channel.publish(name, name, bytes, options)) return Promise.resolve();
      return new Promise((resolve) => channel.once('drain', resolve));
    }
    return new Promise((resolve, reject) => {
      channel.publish(name, name, bytes, options, (error) => (error ? reject(error) : resolve()));
    });
  },
  counts: async () => settledCounts(channel, name, settings),
  async consume(onBody) {
    await channel.prefetch(settings.prefetch ?? 100);
    const { consumerTag } = await channel.consume(name, (message) => {
      onBody(JSON.parse(message.content.toString()));
      channel.ack(message);
    });
    return () => channel.cancel(consumerTag);
  },
  async close() {
    await channel.deleteQueue(name);
    await channel.deleteExchange(name);
    await connection.close();
  },
});

/** Ready messages; unconfirmed ones may still be on the way, so the count is asked for until it is no longer growing. */
async function settledCounts(on, queue, { messages }) {
  for (let tries = 0; tries < 200; tries++) {
    const { messageCount } = await on.checkQueue(queue);
    if (messageCount === 0 || messageCount >= Math.min(messages, 2_000)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const again = await on.checkQueue(queue);
      if (again.messageCount === messageCount) return { stored: messageCount, inFlight: 0 };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the queue never came to rest');
}
