// BullMQ as its manual advises: jobs removed when they are done, one worker with concurrency, the queue on a connection of its
// own, the worker on one with `maxRetriesPerRequest: null`.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { run } from './scenarios.js';

let settings;
let redis;
let queue;

await run({
  async open(given) {
    settings = given;
    redis = new Redis(settings.url, { maxRetriesPerRequest: null });
    queue = new Queue(`bench-${settings.id}`, { connection: redis });
    await queue.waitUntilReady();
  },
  clear: () => queue.obliterate({ force: true }),
  publish: (body) => queue.add('encode', body, { removeOnComplete: true }),
  async counts() {
    const { waiting, active, failed } = await queue.getJobCounts('waiting', 'active', 'failed');
    if (failed > 0) throw new Error(`${failed} jobs have failed`);
    return { stored: waiting, inFlight: active };
  },
  async consume(onBody) {
    const worker = new Worker(queue.name, async (job) => onBody(job.data), {
      connection: redis,
      concurrency: settings.prefetch ?? 100,
    });
    await worker.waitUntilReady();
    return () => worker.close();
  },
  async close() {
    await queue.obliterate({ force: true });
    await queue.close();
    redis.disconnect();
  },
});
