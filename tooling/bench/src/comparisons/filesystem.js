import { temporaryFolder } from '@kombu/brokers';
import { KOMBU, PYTHON, withSettings } from '../subjects.js';

const python = withSettings(PYTHON, { messages: 4_000 });
const publish = { scenario: 'publish', messages: 20_000, inFlight: 256 };

/** A folder on the disk of the system's temporary files. */
async function startFolder() {
  const { path, remove } = await temporaryFolder();
  return { url: `filesystem://${path}`, version: undefined, close: remove };
}

/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'filesystem',
  start: startFolder,
  comparisons: [
    { what: 'publish', settings: publish, subject: KOMBU, references: [{ ...python, atLeast: 1.5 }] },
    {
      what: 'publish, not flushed',
      settings: publish,
      subject: withSettings(KOMBU, { transportOptions: { fsync: false } }),
      references: [{ ...python, atLeast: 1.5 }],
    },
    {
      what: 'consume + ack',
      settings: { scenario: 'consume', messages: 20_000, prefetch: 100 },
      subject: KOMBU,
      references: [{ ...python, atLeast: 1.5 }],
    },
  ],
};
