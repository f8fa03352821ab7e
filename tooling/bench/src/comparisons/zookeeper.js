import { startZookeeper } from '@kombu/brokers';
import { byBacklog, byPrefetch, byQueues, idleCpu, latency } from '../scaling.js';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const SUBJECT = { ...KOMBU, runner: 'zookeeper-kombu.js' };
const DRIVER = { name: 'node-zookeeper-client', runner: 'zookeeper-driver.js' };
const python = withSettings(PYTHON, { messages: 1_000 });
const publish = { scenario: 'publish', messages: 20_000, inFlight: 64 };
const consume = { scenario: 'consume', messages: 20_000, prefetch: 100 };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'zookeeper',
  start: async () => {
    const broker = await startZookeeper({ tickTime: 2000 });
    return 'unavailable' in broker ? broker : { ...broker, url: `${broker.url}/bench` };
  },
  libraries: ['node-zookeeper-client'],
  comparisons: [
    {
      what: 'publish',
      settings: publish,
      subject: SUBJECT,
      references: [
        { ...DRIVER, name: 'node-zookeeper-client, one create each', atLeast: 0.7 },
        { ...python, atLeast: 2 },
      ],
    },
    {
      what: 'consume + ack',
      settings: consume,
      subject: SUBJECT,
      references: [
        { ...DRIVER, name: 'node-zookeeper-client, in batches', atLeast: 0.7 },
        { ...python, atLeast: 2 },
      ],
    },
    latency({ subject: SUBJECT, references: [DRIVER, withSettings(PYTHON, { messages: 200 })] }),
    ...byPrefetch({ subject: SUBJECT, references: [DRIVER], messages: { 1: 2_000, 10: 10_000 } }),
    byQueues({ settings: consume, subject: SUBJECT }),
    byBacklog({ settings: consume, subject: SUBJECT, most: 50_000, atLeast: 0.7 }),
    idleCpu({ subject: SUBJECT, atMost: 2 }),
  ],
};
