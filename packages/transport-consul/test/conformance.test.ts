import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, startProxy, until } from '@kombu/brokers';
import { abort, close, describeTransport, publishConsume, settle } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { consul } from '../src/index.js';
import { withServer } from './support/server.js';

const TOKEN = '9e4ff0a5-7c43-4f0e-8f0a-0d3f1a7e55aa';

await withServer({ token: TOKEN }, async (server) => {
  const nowhere = await freePort();
  const url = (token: string, port: number): string => `consul://:${token}@127.0.0.1:${port}`;

  describeTransport({
    name: 'consul',
    runner: { describe, it, beforeAll, afterAll, expect },
    open: (broker, options) => new Connection(broker.url, { transport: consul, ...options }),
    broker: {
      // Consul cannot be told to drop its clients: a relay does that.
      start: async () => {
        const proxy = await startProxy(server.port);
        return { url: url(TOKEN, proxy.port), port: server.port, proxy };
      },
      stop: async ({ proxy }) => {
        await proxy.close();
        await server.close();
      },
      restart: async () => server.restart?.(),
      // For a moment nobody gets in: a single call could not tell the loss of a socket from the end of its idle time.
      killConnections: async ({ proxy }) => {
        proxy.cut();
        await until(() => proxy.connections === 0, { what: 'all sockets are reset' });
        await delay(50);
        proxy.resume();
      },
      connectionCount: async ({ proxy }) => proxy.connections,
      refused: (broker) => ({ ...broker, url: url(TOKEN, nowhere) }),
      badCredentials: (broker) => ({ ...broker, url: url('00000000-0000-0000-0000-000000000000', broker.port) }),
      through: (broker, port) => ({ ...broker, url: url(TOKEN, port) }),
    },
    child: { module: new URL('../dist/index.js', import.meta.url) },
    variants: [
      {
        name: 'failover',
        broker: (b) => ({ ...b, url: `${url(TOKEN, nowhere)};${b.url}` }),
        groups: [publishConsume, close],
      },
      { name: 'compression', producer: { compression: 'zlib' }, groups: [publishConsume] },
      {
        name: 'another prefix, a virtual host and utf-8 bodies',
        broker: (b) => ({ ...b, url: `${b.url}/orders` }),
        connection: { transportOptions: { prefix: 'some/where', bodyEncoding: 'utf-8' } },
        groups: [settle, abort],
      },
    ],
  });
});
