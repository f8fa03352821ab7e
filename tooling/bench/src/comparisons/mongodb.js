import { startMongodb } from '@kombu/brokers';
import { byPrefetch, idleCpu, latency } from '../scaling.js';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const SUBJECT = { ...KOMBU, runner: 'mongodb-kombu.js' };
const DRIVER = { name: 'mongodb, in batches', runner: 'mongodb-driver.js' };
const python = withSettings(PYTHON, { messages: 300 });
// FerretDB, which stands in where there is no mongod, reads a whole collection for each command: backlogs are short.
const publish = { scenario: 'publish', messages: 10_000, inFlight: 256 };
const consume = { scenario: 'consume', messages: 1_000, prefetch: 100, warmUp: 200 };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'mongodb',
  start: async () => {
    const broker = await startMongodb();
    return 'unavailable' in broker ? broker : { ...broker, version: broker.product, url: `${broker.url}bench` };
  },
  libraries: ['mongodb'],
  comparisons: [
    {
      what: 'publish',
      settings: publish,
      subject: SUBJECT,
      references: [DRIVER, { ...python, atLeast: 2 }],
    },
    {
      what: 'consume + ack',
      settings: consume,
      subject: SUBJECT,
      references: [
        { ...DRIVER, atLeast: 0.7 },
        { ...python, atLeast: 2 },
      ],
    },
    latency({ subject: SUBJECT, references: [withSettings(PYTHON, { messages: 50 })] }),
    ...byPrefetch({ subject: SUBJECT, references: [DRIVER], messages: { 1: 200, 10: 1_000 } }),
    idleCpu({ subject: SUBJECT, atMost: 2 }),
  ],
};
