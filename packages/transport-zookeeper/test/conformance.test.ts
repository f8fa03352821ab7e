import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, startProxy } from '@kombu/brokers';
import { body, close, connect, declareGroup, describeTransport, get, routingTopic, settle } from '@kombu/conformance';
import { Connection } from '@kombu/core';
import zk from 'node-zookeeper-client';
import { zookeeper } from '../src/index.js';
import { connectRaw, startServer } from './support/server.js';

const server = await startServer();
const nowhere = await freePort();
// ZooKeeper has no command that cuts its clients off.
const proxy = await startProxy(server.port);
const url = (port: number, path = 'conformance'): string => `zookeeper://127.0.0.1:${port}/${path}`;
const missing = () => Promise.reject(new Error('this broker is not ours'));

/** A virtual host that only one user may use. */
async function lockUp(): Promise<void> {
  await using raw = await connectRaw(server, 'owner:secret');
  const owner = [new zk.ACL(zk.Permission.ALL, new zk.Id('auth', ''))];
  await new Promise<void>((resolve, reject) => {
    raw.client.create('/locked', Buffer.alloc(0), owner, (error) => (error ? reject(error) : resolve()));
  });
}
await lockUp();

describeTransport({
  name: 'zookeeper',
  runner: { describe, it, beforeAll, afterAll, expect },
  open: (broker, options) => new Connection(broker.url, { transport: zookeeper, ...options }),
  broker: {
    start: async () => ({ url: url(proxy.port), port: proxy.port }),
    stop: async () => {
      await proxy.close();
      await server.close();
    },
    restart: () => server.restart?.() ?? missing(),
    killConnections: async () => proxy.drop(),
    connectionCount: async () =>
      (await server.fourLetters('cons')).split('\n').filter((line) => /sid=/.test(line)).length,
    refused: () => ({ url: url(nowhere) }),
    badCredentials: () => ({ url: `zookeeper://somebody:wrong@127.0.0.1:${server.port}/locked` }),
    through: (_, port) => ({ url: url(port) }),
  },
  child: { module: new URL('../dist/index.js', import.meta.url) },
  variants: [
    {
      name: 'several servers, one of them dead',
      broker: (b) => ({ ...b, url: `${url(nowhere)};${b.url}` }),
      groups: [connect, get, close],
    },
    { name: 'compression', producer: { compression: 'zlib' }, groups: [body] },
    {
      name: 'user, chroot and root virtual host',
      broker: (b) => ({ ...b, url: `zookeeper://owner:secret@127.0.0.1:${server.port}` }),
      connection: { transportOptions: { chroot: '/locked/deep' } },
      groups: [declareGroup, settle, routingTopic],
    },
  ],
});
