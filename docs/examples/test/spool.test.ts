import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeTransport } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { spool } from '../src/spool-transport/spool.js';

describeTransport({
  name: 'spool',
  runner: { describe, it, beforeAll, afterAll, expect },
  open: async (broker, options) => new Connection(broker.url, { ...options, transport: spool }),
  broker: {
    start: async () => ({ url: `spool://${await mkdtemp(path.join(tmpdir(), 'spool-'))}` }),
    stop: (broker) => rm(broker.url.slice('spool://'.length), { recursive: true }),
  },
  child: { module: pathToFileURL(path.resolve(import.meta.dirname, '../dist/spool-transport/spool.js')) },
});
