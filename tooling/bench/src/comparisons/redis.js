import { startRedis } from '@kombu/brokers';
import { byBacklog, byBody, byPrefetch, byQueues, idleCpu, latency, memoryGrowth } from '../scaling.js';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const IOREDIS = { name: 'ioredis', runner: 'redis-ioredis.js' };
const BULLMQ = { name: 'BullMQ', runner: 'redis-bullmq.js' };
/** Publishing only: its worker takes a message off the queue for good before it handles it. */
const CELERY_NODE = { name: 'celery-node', runner: 'redis-celery-node.js' };
const PUBSUB = { name: 'ioredis publish/subscribe', runner: 'redis-pubsub.js' };
const python = withSettings(PYTHON, { messages: 2_000 });
/** Long enough, and warm enough, that compiling is no part of it: for either side. */
const publish = { scenario: 'publish', messages: 200_000, warmUp: 50_000, inFlight: 64 };
const consume = { scenario: 'consume', messages: 100_000, warmUp: 20_000, prefetch: 100 };

const LATENCY =
  'two round trips (put with the wake-up, reserve) where the reference has one; with cold caches the two scripts take 0.08 ms of it, and the writes that wake the other process as much again';

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'redis',
  start: () => startRedis(),
  libraries: ['ioredis', 'bullmq', 'celery-node'],
  comparisons: [
    {
      what: 'publish',
      settings: publish,
      subject: KOMBU,
      references: [
        { ...IOREDIS, name: 'ioredis LPUSH', atLeast: 1.3 },
        { ...BULLMQ, name: 'BullMQ add', atLeast: 4 },
        CELERY_NODE,
        { ...python, atLeast: 40 },
      ],
    },
    {
      what: 'consume + ack',
      settings: consume,
      subject: KOMBU,
      references: [
        { ...IOREDIS, name: 'ioredis, Lua batches', atLeast: 0.7 },
        { ...BULLMQ, atLeast: 3 },
        { ...python, atLeast: 20 },
      ],
    },
    latency({
      settings: { warmUp: 2_000 },
      subject: KOMBU,
      references: [
        { ...PUBSUB, atMost: 3.5, reason: LATENCY },
        BULLMQ,
        withSettings(PYTHON, { messages: 200, warmUp: 50 }),
      ],
    }),
    ...byPrefetch({ subject: KOMBU, references: [IOREDIS, BULLMQ], messages: { 1: 5_000, 10: 40_000 } }),
    byQueues({ settings: consume, subject: KOMBU, atLeast: 0.8 }),
    byBacklog({ settings: consume, subject: KOMBU, atLeast: 0.8 }),
    ...byBody({
      publish,
      consume,
      subject: KOMBU,
      references: [IOREDIS, BULLMQ],
      messages: { '100 B': 20_000, '10 KiB': 10_000, '256 KiB': 400 },
    }),
    memoryGrowth({ subject: KOMBU, references: [BULLMQ], atMost: 50 }),
    idleCpu({ subject: KOMBU, atMost: 2 }),
  ],
};
