import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, isUnavailable, type Redis, startRedis } from '@kombu/brokers';
import { type BrokerHandle, describeTransport } from '@kombu/conformance';
import { Connection, type ConnectionOptions } from '@kombu/core';
import { redis } from '../src/index.js';

const PASSWORD = 'pass word';
const cluster = await startRedis({ cluster: 3, appendonly: 'always', password: PASSWORD });
const nowhere = await freePort();

interface ClusterHandle extends BrokerHandle {
  readonly natMap?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
}

/** Every connection has its keys in one slot. */
function tagged(options: ConnectionOptions = {}, { natMap }: Partial<ClusterHandle> = {}): ConnectionOptions {
  const own = { hashTag: 'kombu', ...(natMap === undefined ? {} : { natMap }) };
  return { ...options, transportOptions: { ...options.transportOptions, ...own } };
}

const urlOf = (port: number, password = PASSWORD) => `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}/0`;

/** The node that has the tag's slot. */
async function ownerOf(nodes: readonly Redis[]): Promise<Redis> {
  for (const node of nodes) {
    const slots = String(await node.command('CLUSTER', 'NODES'))
      .split('\n')
      .find((line) => line.includes('myself'));
    const [first, last] = (slots?.split(' ').at(-1) ?? '').split('-').map(Number);
    const slot = Number(await node.command('CLUSTER', 'KEYSLOT', '{kombu}'));
    if (first !== undefined && last !== undefined && first <= slot && slot <= last) return node;
  }
  throw new Error('no node has the slot of the tag');
}

if (isUnavailable(cluster))
  describe('conformance: redis cluster', () => it.skip(`skipped: ${cluster.unavailable}`, () => {}));
else {
  const owner = await ownerOf(cluster.nodes);
  // The slot of the tag is another's, so every connection has to find its way.
  const asked = cluster.nodes.find((node) => node !== owner) ?? owner;
  const url = urlOf(asked.port);
  describeTransport({
    name: 'redis cluster',
    runner: { describe, it, beforeAll, afterAll, expect },
    open: (broker: ClusterHandle, options) =>
      new Connection(broker.url, { transport: redis, ...tagged(options, broker) }),
    broker: {
      start: async () => ({ url, port: owner.port }),
      stop: async () => {},
      restart: async () => cluster.restart?.(),
      refused: () => ({ url: urlOf(nowhere) }),
      badCredentials: () => ({ url: urlOf(asked.port, 'wrong') }),
      through: (_, port) => ({ url, natMap: { [`127.0.0.1:${owner.port}`]: { host: '127.0.0.1', port } } }),
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

    it('is not reached by a natMap that names no port: an InvalidOptionError that names the entry', async () => {
      const natMap = { [`127.0.0.1:${owner.port}`]: { host: '127.0.0.1', port: 0 } };
      const connection = new Connection(url, { transport: redis, ...tagged({}, { natMap }) });
      await expect(connection.connect()).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
        message: expect.stringContaining(`natMap': '127.0.0.1:${owner.port}'`),
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
