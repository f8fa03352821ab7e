import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@kombu/brokers';
import { connect, describeTransport, settle } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { mongodb } from '../src/index.js';
import { skipped, startServer, type TestServer } from './support/server.js';

const started = await startServer({ password: 'pass word' });
const server = typeof started === 'string' ? started : started.broker;
const nowhere = await freePort();

if (typeof server === 'string') describe('mongodb', () => skipped(server));
else {
  const url = (password: string, port = server.port) =>
    `mongodb://kombu:${encodeURIComponent(password)}@127.0.0.1:${port}/?authSource=admin`;
  const { restart, killConnections, connectionCount } = server;

  // FerretDB looks at every message of a collection for each command: 20 kills, and 100 in the full run, have to do.
  const full = Number(process.env.KOMBU_TEST_SCALE ?? 0.2) >= 1;
  if (server.product.startsWith('FerretDB')) process.env.KOMBU_TEST_SCALE = full ? '0.8' : '0.16';

  describeTransport({
    name: `mongodb (${server.product})`,
    runner: { describe, it, beforeAll, afterAll, expect },
    open: (broker, options) =>
      new Connection(broker.url, {
        transport: mongodb,
        heartbeatMs: 2000,
        ...options,
        transportOptions: { pollingIntervalMs: 50, ...options.transportOptions },
      }),
    broker: {
      start: async () => ({ url: url('pass word'), port: server.port }),
      stop: () => (started as TestServer).close(),
      ...(restart === undefined ? {} : { restart }),
      ...(killConnections === undefined ? {} : { killConnections }),
      ...(connectionCount === undefined ? {} : { connectionCount }),
      refused: () => ({ url: url('pass word', nowhere) }),
      badCredentials: () => ({ url: url('wrong') }),
      through: (_, port) => ({ url: url('pass word', port) }),
    },
    child: { module: new URL('../dist/index.js', import.meta.url) },
    waitMs: 30_000,
    variants: [
      {
        name: 'failover',
        groups: [connect, settle],
        broker: (b) => ({ ...b, url: `${url('pass word', nowhere)};${b.url}` }),
      },
    ],
  });
}
