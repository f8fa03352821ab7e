import { startRabbitmq } from '@kombu/brokers';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const AMQPLIB = { name: 'amqplib', runner: 'amqp-amqplib.js' };
const RABBITMQ_CLIENT = { name: 'rabbitmq-client', runner: 'amqp-rabbitmq-client.js' };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'amqp',
  start: () => startRabbitmq(),
  comparisons: [
    {
      what: 'publish, confirmed',
      settings: { scenario: 'publish', messages: 20_000, inFlight: 256, confirm: true },
      subject: KOMBU,
      references: [
        { ...AMQPLIB, atLeast: 0.9 },
        { ...RABBITMQ_CLIENT, atLeast: 1 },
        { ...withSettings(PYTHON, { messages: 2_000 }), atLeast: 8 },
      ],
    },
    {
      what: 'publish, unconfirmed',
      settings: { scenario: 'publish', messages: 20_000, inFlight: 256, confirm: false },
      subject: withSettings(KOMBU, { transportOptions: { confirmPublish: false } }),
      references: [{ ...AMQPLIB, atLeast: 0.9 }],
    },
    {
      what: 'consume + ack',
      settings: { scenario: 'consume', messages: 20_000, prefetch: 100, confirm: true },
      subject: KOMBU,
      references: [
        { ...AMQPLIB, atLeast: 0.9 },
        { ...RABBITMQ_CLIENT, atLeast: 1 },
        { ...withSettings(PYTHON, { messages: 5_000 }), atLeast: 2 },
      ],
    },
    {
      what: 'latency, idle',
      figure: 'p50',
      settings: { scenario: 'latency', messages: 500, prefetch: 100, confirm: true },
      subject: KOMBU,
      references: [{ ...AMQPLIB, atMost: 1.3 }],
    },
  ],
};
