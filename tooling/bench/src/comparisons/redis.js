import { startRedis } from '@kombu/brokers';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const IOREDIS = { name: 'ioredis', runner: 'redis-ioredis.js' };
const BULLMQ = { name: 'BullMQ', runner: 'redis-bullmq.js' };
const PUBSUB = { name: 'ioredis publish/subscribe', runner: 'redis-pubsub.js' };
const python = withSettings(PYTHON, { messages: 2_000 });
const consume = { scenario: 'consume', messages: 40_000, prefetch: 100 };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'redis',
  start: () => startRedis(),
  comparisons: [
    {
      what: 'publish',
      settings: { scenario: 'publish', messages: 40_000, inFlight: 64 },
      subject: KOMBU,
      references: [
        { ...IOREDIS, atLeast: 1.3 },
        { ...BULLMQ, atLeast: 4 },
        { ...python, atLeast: 40 },
      ],
    },
    {
      what: 'consume + ack',
      settings: consume,
      subject: KOMBU,
      references: [
        { ...IOREDIS, atLeast: 0.7 },
        { ...BULLMQ, atLeast: 3 },
        { ...python, atLeast: 20 },
      ],
    },
    {
      what: 'latency, idle',
      figure: 'p50',
      settings: { scenario: 'latency', messages: 500, prefetch: 100 },
      subject: KOMBU,
      references: [{ ...PUBSUB, atMost: 3.5 }],
    },
    {
      what: 'consume + ack by number of queues',
      settings: consume,
      subject: withSettings(KOMBU, { queues: 100 }, '100 queues'),
      references: [{ ...withSettings(KOMBU, { queues: 1 }, '1 queue'), atLeast: 0.8 }],
    },
    {
      what: 'consume + ack by backlog',
      settings: consume,
      subject: withSettings(KOMBU, { messages: 200_000 }, 'backlog 200,000'),
      references: [{ ...withSettings(KOMBU, { messages: 1_000 }, 'backlog 1,000'), atLeast: 0.8 }],
    },
  ],
};
