import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@kombu/brokers';
import { describeTransport } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import { redis } from '../src/index.js';
import { startServer } from './support/server.js';

const server = await startServer({ appendonly: 'always', unixSocket: true, password: 'pass word' });
const nowhere = await freePort();
const url = (password: string, port = server.port) => `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}/0`;
const missing = () => Promise.reject(new Error('this broker is not ours'));

/** Clients that are ours: not the one that asks. */
async function clients(): Promise<number> {
  const list = String(await server.command('CLIENT', 'LIST'));
  return list.split('\n').filter((line) => line !== '' && !line.includes('cmd=client|list')).length;
}

describeTransport({
  name: 'redis',
  runner: { describe, it, beforeAll, afterAll, expect },
  open: (broker, options) => new Connection(broker.url, { transport: redis, ...options }),
  broker: {
    start: async () => ({ url: url('pass word'), port: server.port }),
    stop: () => server.close(),
    restart: () => server.restart?.() ?? missing(),
    killConnections: () => server.killConnections?.() ?? missing(),
    connectionCount: clients,
    refused: () => ({ url: url('pass word', nowhere) }),
    badCredentials: () => ({ url: url('wrong') }),
    through: (_, port) => ({ url: url('pass word', port) }),
  },
  child: { module: new URL('../dist/index.js', import.meta.url) },
  variants: [
    { name: 'failover', broker: (b) => ({ ...b, url: `${url('pass word', nowhere)};${b.url}` }) },
    { name: 'compression', producer: { compression: 'zlib' } },
    { name: 'key prefix', connection: { transportOptions: { globalKeyprefix: 'some.prefix:' } } },
    {
      name: 'unix socket',
      broker: (b) => ({
        ...b,
        url: `redis+socket://:${encodeURIComponent('pass word')}@${server.socket}?virtual_host=3`,
      }),
    },
  ],
});
