// The raw driver, confirmed (`confirm: true`) or not. Small packets leave at once, as they do for everybody else here.
import { once } from 'node:events';
import { connect } from 'amqplib';
import { run } from './scenarios.js';

let settings;
let connection;
let channel;
let consuming;
let name;
let drained;

await run({
  async open(given) {
    settings = given;
    name = `raw.${settings.id}`;
    connection = await connect(settings.url, { noDelay: true });
    channel = settings.confirm ? await connection.createConfirmChannel() : await connection.createChannel();
    consuming = await connection.createChannel();
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
      drained ??= once(channel, 'drain').then(() => {
        drained = undefined;
      });
      return drained;
    }
    return new Promise((resolve, reject) => {
      channel.publish(name, name, bytes, options, (error) => (error ? reject(error) : resolve()));
    });
  },
  counts: async () => ({ stored: (await channel.checkQueue(name)).messageCount }),
  async consume(onBody) {
    await consuming.prefetch(settings.prefetch ?? 100);
    const { consumerTag } = await consuming.consume(name, (message) => {
      onBody(JSON.parse(message.content.toString()));
      consuming.ack(message);
    });
    return () => consuming.cancel(consumerTag);
  },
  // The consumer has a channel of its own: closing it gives back what was not settled, so that `counts` finds it.
  async release() {
    await consuming.close();
    consuming = await connection.createChannel();
  },
  async close() {
    await channel.deleteQueue(name);
    await channel.deleteExchange(name);
    await connection.close();
  },
});
