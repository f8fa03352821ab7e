import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, startProxy } from '@kombu/brokers';
import { abort, close, describeTransport, publishConsume, settle } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { etcd } from '../src/index.js';
import { startServer } from './support/server.js';

const server = await startServer({ password: 'pass word' });
// etcd has no way to cut a client off: a relay does.
const relay = await startProxy(server.port);
const nowhere = await freePort();
const url = (password: string, port = relay.port) => `etcd://root:${encodeURIComponent(password)}@127.0.0.1:${port}`;
const missing = () => Promise.reject(new Error('this broker is not ours'));

describeTransport({
  name: 'etcd',
  runner: { describe, it, beforeAll, afterAll, expect },
  open: (broker, options) => new Connection(broker.url, { transport: etcd, ...options }),
  broker: {
    start: async () => ({ url: url('pass word'), port: relay.port }),
    stop: async () => {
      await relay.close();
      await server.close();
    },
    restart: () => server.restart?.() ?? missing(),
    killConnections: async () => relay.drop(),
    connectionCount: async () => relay.connections,
    refused: () => ({ url: url('pass word', nowhere) }),
    badCredentials: () => ({ url: url('wrong') }),
    through: (_, port) => ({ url: url('pass word', port) }),
  },
  // The server of the tests keeps leases of a second.
  leaseMs: 1000,
  child: { module: new URL('../dist/index.js', import.meta.url) },
  variants: [
    {
      name: 'failover',
      broker: (b) => ({ ...b, url: `${url('pass word', nowhere)};${b.url}` }),
      groups: [publishConsume, close],
    },
    {
      name: 'compression, prefix and virtual host',
      broker: (b) => ({ ...b, url: `${b.url}/a%2Fb` }),
      producer: { compression: 'zlib' },
      connection: { transportOptions: { prefix: 'some/prefix.' } },
      groups: [settle, abort],
    },
  ],
});
