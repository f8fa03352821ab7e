const KOMBU = { name: '@kombu/core', runner: 'kombu.js' };
const PYTHON = { name: 'Python Kombu', runner: 'python_kombu.py', needs: 'python-kombu' };
const IOREDIS = { name: 'ioredis', runner: 'redis-ioredis.js' };
const BULLMQ = { name: 'BullMQ', runner: 'redis-bullmq.js' };
const AMQPLIB = { name: 'amqplib', runner: 'amqp-amqplib.js' };
const RABBITMQ_CLIENT = { name: 'rabbitmq-client', runner: 'amqp-rabbitmq-client.js' };

const redisPublish = { scenario: 'publish', messages: 40_000, inFlight: 64 };
const redisConsume = { scenario: 'consume', messages: 40_000, prefetch: 100 };
const amqpConfirmed = { scenario: 'publish', messages: 20_000, inFlight: 256, confirm: true };
const amqpUnconfirmed = { scenario: 'publish', messages: 20_000, inFlight: 256, confirm: false };
const amqpConsume = { scenario: 'consume', messages: 20_000, prefetch: 100, confirm: true };
const unconfirmed = { ...KOMBU, settings: { transportOptions: { confirmPublish: false } } };
const filePublish = { scenario: 'publish', messages: 20_000, inFlight: 256 };
const fileConsume = { scenario: 'consume', messages: 20_000, prefetch: 100 };
const unflushed = { ...KOMBU, settings: { transportOptions: { fsync: false } } };
/** Python is slow enough that a tenth of the messages tells its rate. */
const tenth = (comparison, messages) => ({
  ...comparison,
  reference: { ...PYTHON, settings: { messages } },
});

/**
 * What is measured against what, and the ratio that is to be reached. A target that is missed stays here and is shown as
 * missed; it is never loosened.
 */
export const COMPARISONS = [
  {
    transport: 'memory',
    what: 'publish + consume + ack',
    settings: { messages: 20_000, warmUp: 10 },
    subject: { name: '@kombu/core', runner: 'memory-kombu.js' },
    reference: { name: 'bare JSON + Buffer loop', runner: 'memory-bare.js' },
    target: 0.4,
  },
  {
    transport: 'memory',
    what: 'publish + consume + ack',
    settings: { messages: 20_000, warmUp: 10 },
    subject: { name: '@kombu/core', runner: 'memory-kombu.js' },
    reference: { name: 'Python Kombu', runner: 'memory_python.py', needs: 'python-kombu' },
    target: 5,
  },

  { transport: 'redis', what: 'publish', settings: redisPublish, subject: KOMBU, reference: IOREDIS, target: 1.3 },
  { transport: 'redis', what: 'publish', settings: redisPublish, subject: KOMBU, reference: BULLMQ, target: 4 },
  tenth({ transport: 'redis', what: 'publish', settings: redisPublish, subject: KOMBU, target: 40 }, 2_000),
  {
    transport: 'redis',
    what: 'consume + ack',
    settings: redisConsume,
    subject: KOMBU,
    reference: IOREDIS,
    target: 0.7,
  },
  { transport: 'redis', what: 'consume + ack', settings: redisConsume, subject: KOMBU, reference: BULLMQ, target: 3 },
  tenth({ transport: 'redis', what: 'consume + ack', settings: redisConsume, subject: KOMBU, target: 20 }, 2_000),
  {
    transport: 'redis',
    what: 'latency p50 (rate: 1 / p50)',
    settings: { scenario: 'latency', messages: 500, prefetch: 100 },
    subject: KOMBU,
    reference: { name: 'ioredis publish/subscribe', runner: 'redis-pubsub.js' },
    target: 1 / 3.5,
  },
  {
    transport: 'redis',
    what: 'consume + ack, 100 queues against 1',
    settings: redisConsume,
    subject: { ...KOMBU, name: '100 queues', settings: { queues: 100 } },
    reference: { ...KOMBU, name: '1 queue', settings: { queues: 1 } },
    target: 0.8,
  },
  {
    transport: 'redis',
    what: 'consume + ack, backlog of 200,000 against 1,000',
    settings: redisConsume,
    subject: { ...KOMBU, name: 'backlog 200,000', settings: { messages: 200_000 } },
    reference: { ...KOMBU, name: 'backlog 1,000', settings: { messages: 1_000 } },
    target: 0.8,
  },

  tenth({ transport: 'filesystem', what: 'publish', settings: filePublish, subject: KOMBU, target: 1.5 }, 4_000),
  tenth(
    { transport: 'filesystem', what: 'publish, not flushed', settings: filePublish, subject: unflushed, target: 1.5 },
    4_000,
  ),
  tenth({ transport: 'filesystem', what: 'consume + ack', settings: fileConsume, subject: KOMBU, target: 1.5 }, 4_000),

  {
    transport: 'amqp',
    what: 'publish, confirmed',
    settings: amqpConfirmed,
    subject: KOMBU,
    reference: AMQPLIB,
    target: 0.9,
  },
  {
    transport: 'amqp',
    what: 'publish, confirmed',
    settings: amqpConfirmed,
    subject: KOMBU,
    reference: RABBITMQ_CLIENT,
    target: 1,
  },
  tenth({ transport: 'amqp', what: 'publish, confirmed', settings: amqpConfirmed, subject: KOMBU, target: 8 }, 2_000),
  {
    transport: 'amqp',
    what: 'publish, unconfirmed',
    settings: amqpUnconfirmed,
    subject: unconfirmed,
    reference: AMQPLIB,
    target: 0.9,
  },
  { transport: 'amqp', what: 'consume + ack', settings: amqpConsume, subject: KOMBU, reference: AMQPLIB, target: 0.9 },
  {
    transport: 'amqp',
    what: 'consume + ack',
    settings: amqpConsume,
    subject: KOMBU,
    reference: RABBITMQ_CLIENT,
    target: 1,
  },
  tenth({ transport: 'amqp', what: 'consume + ack', settings: amqpConsume, subject: KOMBU, target: 2 }, 5_000),
  {
    transport: 'amqp',
    what: 'latency p50 (rate: 1 / p50)',
    settings: { scenario: 'latency', messages: 500, prefetch: 100, confirm: true },
    subject: KOMBU,
    reference: AMQPLIB,
    target: 1 / 1.3,
  },
];
