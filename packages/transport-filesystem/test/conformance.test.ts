import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { body, describeTransport, publishConsume, settle } from '@kombu/conformance';
import { Connection, type ConnectionOptions } from '@kombu/core';
import { filesystem } from '../src/index.js';
import { LOOK_MS, makeFolder, vanishForAWhile } from './support/folder.js';

const folder = await makeFolder();

/** Links look for their folder often enough to see it vanish. */
const withLooks = (options: ConnectionOptions): ConnectionOptions => ({
  transport: filesystem,
  ...options,
  transportOptions: { pollingIntervalMs: LOOK_MS, ...options.transportOptions },
});

describeTransport({
  name: 'filesystem',
  runner: { describe, it, beforeAll, afterAll, expect },
  refusesName: (name) => name.length > 150,
  open: (broker, options) => new Connection(broker.url, withLooks(options)),
  broker: {
    start: async () => ({ url: folder.url }),
    stop: () => folder.remove(),
    restart: () => vanishForAWhile(folder),
    killConnections: () => vanishForAWhile(folder),
    refused: () => ({ url: 'filesystem:///dev/null/nothing' }),
    badCredentials: () => ({ url: 'filesystem:///sys/kombu' }),
  },
  child: { module: new URL('../dist/index.js', import.meta.url) },
  variants: [
    { name: 'failover', broker: (b) => ({ url: `filesystem:///dev/null/nothing;${b.url}` }) },
    { name: 'compression', producer: { compression: 'zlib' } },
    {
      name: 'without fs.watch and fsync',
      connection: { transportOptions: { fsWatch: false, fsync: false, pollingIntervalMs: 50 } },
    },
    {
      name: 'not shared with Python',
      broker: (b) => ({ url: `${b.url}/own` }),
      connection: { transportOptions: { shareWithPython: false } },
    },
    {
      name: 'processed messages are kept',
      connection: { transportOptions: { storeProcessed: true } },
      groups: [publishConsume, body, settle],
    },
  ],
});
