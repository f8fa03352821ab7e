import { startEtcd } from '@kombu/brokers';
import { byBacklog, byBody, byPrefetch, byQueues, idleCpu, latency } from '../scaling.js';

const KOMBU = { name: '@kombu/core', runner: 'etcd-kombu.js' };
const DRIVER = { name: 'etcd3, bare loop', runner: 'etcd-driver.js' };
const publish = { scenario: 'publish', messages: 10_000, inFlight: 64 };
const consume = { scenario: 'consume', messages: 10_000, prefetch: 100 };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'etcd',
  // Nothing is compacted while it is measured: all that was ever written has to fit.
  start: () => startEtcd({ flags: ['--quota-backend-bytes', String(8 * 2 ** 30)] }),
  libraries: ['etcd3'],
  comparisons: [
    {
      what: 'publish',
      settings: publish,
      subject: KOMBU,
      references: [{ ...DRIVER, name: 'etcd3, one put each', atLeast: 0.7 }],
    },
    {
      what: 'consume + ack',
      settings: consume,
      subject: KOMBU,
      references: [{ ...DRIVER, atLeast: 0.7 }],
    },
    latency({ subject: KOMBU, references: [] }),
    ...byPrefetch({ subject: KOMBU, references: [], messages: { 1: 1_000, 10: 5_000 } }),
    byQueues({ settings: consume, subject: KOMBU }),
    byBacklog({ settings: consume, subject: KOMBU, most: 50_000, atLeast: 0.7 }),
    ...byBody({
      publish,
      consume,
      subject: KOMBU,
      references: [DRIVER],
      messages: { '100 B': 5_000, '10 KiB': 3_000, '256 KiB': 200 },
    }),
    idleCpu({ subject: KOMBU, atMost: 2 }),
  ],
};
