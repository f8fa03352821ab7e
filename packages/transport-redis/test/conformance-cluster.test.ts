import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, startRedis } from '@kombu/brokers';
import { describeTransport } from '@kombu/conformance';
import { Connection, type ConnectionOptions } from '@kombu/core';
import { redis } from '../src/index.js';

const cluster = await startRedis({ cluster: 3 });

/** Every connection has its keys in one slot. */
function tagged(options: ConnectionOptions = {}): ConnectionOptions {
  return { ...options, transportOptions: { ...options.transportOptions, hashTag: 'kombu' } };
}

if (isUnavailable(cluster))
  describe('conformance: redis cluster', () => it.skip(`skipped: ${cluster.unavailable}`, () => {}));
else {
  // The second node: the slot of the tag is another's, so every connection has to find its way.
  const url = cluster.nodes[1]?.url ?? cluster.url;
  describeTransport({
    name: 'redis cluster',
    runner: { describe, it, beforeAll, afterAll, expect },
    open: (broker, options) => new Connection(broker.url, { transport: redis, ...tagged(options) }),
    broker: {
      start: async () => ({ url }),
      stop: async () => {},
      killConnections: async () => {
        for (const node of cluster.nodes) await node.killConnections?.();
      },
      connectionCount: async () => {
        let count = 0;
        for (const node of cluster.nodes) {
          const list = String(await node.command('CLIENT', 'LIST', 'TYPE', 'normal'));
          const others = String(await node.command('CLIENT', 'LIST', 'TYPE', 'pubsub'));
          count += `${list}\n${others}`
            .split('\n')
            .filter((line) => line !== '' && !line.includes('cmd=client|list')).length;
        }
        return count;
      },
    },
    child: {
      module: new URL('../dist/index.js', import.meta.url),
      connect: (broker) => ({ url: broker.url, options: tagged() as Record<string, unknown> }),
    },
  });

  describe('a redis cluster', () => {
    afterAll(() => cluster.close());

    it('without a hash tag is an InvalidOptionError that says what to do', async () => {
      const connection = new Connection(url, { transport: redis });
      await expect(connection.connect()).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
        message: expect.stringContaining('hashTag'),
      });
      await connection.close();
    });

    it('has no databases: NotSupportedError', async () => {
      const connection = new Connection(url.replace(/\/0$/, '/1'), { transport: redis, ...tagged() });
      await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
      await connection.close();
    });
  });
}
