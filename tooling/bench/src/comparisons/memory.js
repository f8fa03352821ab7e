import { byBacklog, byBody, byPrefetch, byQueues, idleCpu, latency, memoryGrowth } from '../scaling.js';
import { KOMBU } from '../subjects.js';

const ARRAY = { name: 'bare JSON + Buffer loop', runner: 'memory-array.js' };
const publish = { scenario: 'publish', messages: 40_000, inFlight: 64 };
const consume = { scenario: 'consume', messages: 40_000, prefetch: 100 };

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'memory',
  start: async () => ({ url: 'memory://bench', close: async () => {} }),
  comparisons: [
    {
      what: 'publish + consume + ack',
      settings: { messages: 20_000, passes: 10 },
      quick: { messages: 5_000 },
      subject: { name: '@kombu/core', runner: 'memory-kombu.js' },
      references: [
        { name: 'bare JSON + Buffer loop', runner: 'memory-bare.js', atLeast: 0.4 },
        { name: 'Python Kombu', runner: 'memory_python.py', needs: 'python-kombu', atLeast: 5 },
      ],
    },
    { what: 'publish', settings: publish, subject: KOMBU, references: [ARRAY], quick: false },
    { what: 'consume + ack', settings: consume, subject: KOMBU, references: [ARRAY], quick: false },
    { ...latency({ subject: KOMBU, references: [] }), quick: false },
    ...byPrefetch({ subject: KOMBU, references: [ARRAY], messages: { 1: 40_000, 10: 40_000 } }),
    byQueues({ settings: consume, subject: KOMBU }),
    byBacklog({ settings: consume, subject: KOMBU }),
    ...byBody({
      publish,
      consume,
      subject: KOMBU,
      references: [ARRAY],
      messages: { '100 B': 40_000, '10 KiB': 10_000, '256 KiB': 400 },
    }),
    memoryGrowth({ subject: KOMBU }),
    idleCpu({ subject: KOMBU }),
  ],
};
