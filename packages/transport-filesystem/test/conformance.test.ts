import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeTransport } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { filesystem } from '../src/index.js';

describeTransport({
  name: 'filesystem',
  runner: { describe, it, beforeAll, afterAll, expect },
  open: async (broker, options) => new Connection(broker.url, { ...options, transport: filesystem }),
  broker: {
    start: async () => ({ url: `filesystem://${await mkdtemp(path.join(tmpdir(), 'kombu-fs-'))}` }),
    stop: (broker) => rm(broker.url.slice('filesystem://'.length), { recursive: true }),
  },
  child: { module: '@kombu/transport-filesystem', from: import.meta.url },
});
