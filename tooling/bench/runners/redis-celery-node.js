// celery-node's client over Redis. `sendTask` does not tell when a task is stored, so this is what it calls, which does.
import { createClient } from 'celery-node';
import { Redis } from 'ioredis';
import { run } from './scenarios.js';

let client;
let redis;
let queue;

await run({
  async open(settings) {
    queue = `cn.${settings.id}`;
    client = createClient(settings.url, settings.url, queue);
    redis = new Redis(settings.url);
    await client.isReady();
  },
  clear: () => redis.del(queue),
  publish: (body) => client.broker.publish(body, '', queue, {}, {}),
  counts: async () => ({ stored: await redis.llen(queue), inFlight: 0 }),
  async close() {
    await redis.del(queue);
    await redis.quit();
    await client.disconnect();
  },
});
