// The floor of latency: one PUBLISH to one subscriber.
import { Redis } from 'ioredis';
import { run } from './scenarios.js';

let redis;
let subscriber;
let channel;

await run({
  async open(settings) {
    redis = new Redis(settings.url);
    subscriber = new Redis(settings.url);
    channel = `raw.${settings.id}`;
  },
  storesNothing: true,
  clear: async () => {},
  publish: (body) => redis.publish(channel, JSON.stringify(body)),
  async consume(onBody) {
    subscriber.on('message', (_, text) => onBody(JSON.parse(text)));
    await subscriber.subscribe(channel);
    return () => subscriber.unsubscribe(channel);
  },
  close: async () => {
    await redis.quit();
    await subscriber.quit();
  },
});
