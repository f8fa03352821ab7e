import { folderOnOwnDisk } from '../own-disk.js';
import { byBacklog, byBody, byPrefetch, byQueues, idleCpu, latency, memoryGrowth } from '../scaling.js';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const python = withSettings(PYTHON, { messages: 4_000 });
const publish = { scenario: 'publish', messages: 10_000, inFlight: 256 };
const consume = { scenario: 'consume', messages: 10_000, prefetch: 100 };

/** Python Kombu leaves what it has written to the system; this one promises what a publish of ours promises. */
const flushing = { ...python, name: 'Python Kombu, flushed too', runner: 'filesystem_python_flushed.py' };

const FLUSHED =
  'every message is flushed before it is confirmed: 35 us and more of the disk, where the whole of an unflushed publish of Python ' +
  'takes 37 (ADR 0085)';
const UNFLUSHED =
  'making a file, writing, closing and renaming it are 33 us in the kernel alone, so that nobody ever reads half a message; Python, ' +
  'which writes in place, takes 37 in all (ADR 0085)';

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'filesystem',
  start: folderOnOwnDisk,
  comparisons: [
    {
      what: 'publish',
      settings: publish,
      subject: KOMBU,
      references: [
        { ...python, atLeast: 1.5, reason: FLUSHED },
        { ...flushing, atLeast: 1.5 },
      ],
    },
    {
      what: 'publish, not flushed',
      settings: publish,
      subject: withSettings(KOMBU, { transportOptions: { fsync: false } }),
      references: [{ ...python, atLeast: 1.5, reason: UNFLUSHED }],
    },
    { what: 'consume + ack', settings: consume, subject: KOMBU, references: [{ ...python, atLeast: 1.5 }] },
    latency({ subject: KOMBU, references: [withSettings(PYTHON, { messages: 50 })] }),
    ...byPrefetch({ subject: KOMBU, references: [], messages: { 1: 2_000, 10: 5_000 } }),
    byQueues({ settings: consume, subject: KOMBU }),
    byBacklog({ settings: consume, subject: KOMBU, most: 20_000 }),
    ...byBody({
      publish,
      consume,
      subject: KOMBU,
      references: [],
      messages: { '100 B': 5_000, '10 KiB': 5_000, '256 KiB': 400 },
    }),
    memoryGrowth({ subject: KOMBU, messages: 50_000 }),
    idleCpu({ subject: KOMBU }),
  ],
};
