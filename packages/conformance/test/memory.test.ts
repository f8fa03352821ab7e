import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthenticationError, Connection, createMemoryTransport } from '@kombu/core';
import { describeTransport } from '../src/index.js';

const memory = createMemoryTransport();
const [refusing, strict] = [createMemoryTransport(), createMemoryTransport()];
refusing.refuseConnections = true;
strict.refuseConnections = new AuthenticationError('the password is wrong');

describeTransport({
  name: 'memory',
  runner: { describe, it, beforeAll, afterAll, expect },
  open: async ({ url, transport }, options) => new Connection(url, { ...options, transport }),
  broker: {
    start: async () => ({ url: 'memory://', transport: memory }),
    stop: async () => {},
    killConnections: async () => memory.failLinks(),
    refused: (broker) => ({ ...broker, transport: refusing }),
    badCredentials: (broker) => ({ ...broker, transport: strict }),
  },
  variants: [{ name: 'compressed', producer: { compression: 'zlib' } }],
});
