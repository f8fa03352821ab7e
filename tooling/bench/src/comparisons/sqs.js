import { startSqs } from '@kombu/brokers';
import { idleCpu } from '../scaling.js';
import { withSettings } from '../subjects.js';

const KOMBU = { name: '@kombu/core', runner: 'sqs-kombu.js' };
/** Receives wait for a second, so that a run does not have to wait long for its last one. */
const BRISK = withSettings(KOMBU, { transportOptions: { waitTimeMs: 1000 } });
const SDK = { name: '@aws-sdk/client-sqs, bare batch loop', runner: 'sqs-sdk.js' };

const SQS_CONSUMER = { name: 'sqs-consumer', runner: 'sqs-consumer.js' };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'sqs',
  start: () => startSqs(),
  libraries: ['@aws-sdk/client-sqs', 'sqs-consumer'],
  comparisons: [
    {
      what: 'publish',
      settings: { scenario: 'publish', messages: 10_000, inFlight: 64 },
      subject: BRISK,
      references: [{ ...SDK, name: '@aws-sdk/client-sqs, batches of a tick' }],
    },
    {
      what: 'receive + delete',
      settings: { scenario: 'consume', messages: 10_000, prefetch: 100 },
      subject: BRISK,
      references: [{ ...SDK, atLeast: 0.9 }, SQS_CONSUMER],
    },
    {
      what: 'calls for receive + delete',
      figure: 'calls',
      settings: { scenario: 'consume', messages: 10_000, prefetch: 100 },
      subject: BRISK,
      references: [{ ...SDK, atMost: 1.25 }, SQS_CONSUMER],
    },
    idleCpu({ subject: KOMBU, atMost: 2 }),
  ],
};
