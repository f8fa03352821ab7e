import { startRabbitmq } from '@kombu/brokers';
import { byBacklog, byBody, byPrefetch, byQueues, idleCpu, latency, memoryGrowth } from '../scaling.js';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const AMQPLIB = { name: 'amqplib', runner: 'amqp-amqplib.js' };
const RABBITMQ_CLIENT = { name: 'rabbitmq-client', runner: 'amqp-rabbitmq-client.js' };
/** Publishing only: its worker acknowledges a message before it handles it. It declares the queue before each publish. */
const CELERY_NODE = { name: 'celery-node', runner: 'amqp-celery-node.js', settings: { messages: 5_000 } };
const publish = { scenario: 'publish', messages: 20_000, inFlight: 256, confirm: true };
const consume = { scenario: 'consume', messages: 20_000, prefetch: 100, confirm: true };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'amqp',
  start: () => startRabbitmq(),
  libraries: ['amqplib', 'rabbitmq-client', 'celery-node'],
  comparisons: [
    {
      what: 'publish, confirmed',
      settings: publish,
      subject: KOMBU,
      references: [
        { ...AMQPLIB, atLeast: 0.9 },
        { ...RABBITMQ_CLIENT, atLeast: 1 },
        { ...withSettings(PYTHON, { messages: 2_000 }), atLeast: 8 },
      ],
    },
    {
      what: 'publish, unconfirmed',
      settings: { ...publish, confirm: false },
      subject: withSettings(KOMBU, { transportOptions: { confirmPublish: false } }),
      references: [{ ...AMQPLIB, atLeast: 0.9 }, RABBITMQ_CLIENT, CELERY_NODE],
    },
    {
      what: 'consume + ack',
      settings: consume,
      subject: KOMBU,
      references: [
        { ...AMQPLIB, atLeast: 0.9 },
        { ...RABBITMQ_CLIENT, atLeast: 1 },
        { ...withSettings(PYTHON, { messages: 5_000 }), atLeast: 2 },
      ],
    },
    latency({
      settings: { confirm: true },
      subject: KOMBU,
      references: [{ ...AMQPLIB, atMost: 1.3 }, RABBITMQ_CLIENT, withSettings(PYTHON, { messages: 200 })],
    }),
    ...byPrefetch({
      settings: { confirm: true },
      subject: KOMBU,
      references: [AMQPLIB, RABBITMQ_CLIENT],
      messages: { 1: 4_000, 10: 10_000 },
    }),
    byQueues({ settings: consume, subject: KOMBU }),
    byBacklog({ settings: consume, subject: KOMBU }),
    ...byBody({
      publish,
      consume,
      subject: KOMBU,
      references: [AMQPLIB, RABBITMQ_CLIENT],
      messages: { '100 B': 10_000, '10 KiB': 5_000, '256 KiB': 400 },
    }),
    memoryGrowth({ settings: { confirm: true }, subject: KOMBU, references: [AMQPLIB] }),
    idleCpu({ subject: KOMBU }),
  ],
};
