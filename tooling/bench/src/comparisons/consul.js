import { startConsul } from '@kombu/brokers';
import { byBacklog, byBody, byPrefetch, idleCpu, latency } from '../scaling.js';
import { PYTHON, withSettings } from '../subjects.js';

const KOMBU = { name: '@kombu/core', runner: 'consul-kombu.js' };
const DRIVER = { name: 'consul, bare loop', runner: 'consul-driver.js' };
// It takes one message a second where a queue has just been empty: few tell its rate.
const python = withSettings(PYTHON, { messages: 300 });
const publish = { scenario: 'publish', messages: 5_000, inFlight: 64 };
const consume = { scenario: 'consume', messages: 5_000, prefetch: 100 };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'consul',
  start: () => startConsul(),
  libraries: ['consul'],
  comparisons: [
    {
      what: 'publish',
      settings: publish,
      subject: KOMBU,
      references: [
        { ...DRIVER, name: 'consul, one PUT each', atLeast: 0.7 },
        { ...python, atLeast: 2 },
      ],
    },
    {
      what: 'consume + ack',
      settings: consume,
      subject: KOMBU,
      references: [
        { ...DRIVER, atLeast: 0.7 },
        { ...python, atLeast: 2 },
      ],
    },
    latency({ subject: KOMBU, references: [] }),
    ...byPrefetch({ subject: KOMBU, references: [], messages: { 1: 500, 10: 2_000 } }),
    byBacklog({ settings: consume, subject: KOMBU, most: 10_000 }),
    ...byBody({
      publish,
      consume,
      subject: KOMBU,
      references: [DRIVER],
      messages: { '100 B': 3_000, '10 KiB': 2_000, '256 KiB': 200 },
    }),
    idleCpu({ subject: KOMBU, atMost: 2 }),
  ],
};
