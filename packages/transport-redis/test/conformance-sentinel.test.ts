import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, isUnavailable, type RedisSentinel, startRedis, until } from '@kombu/brokers';
import { type BrokerHandle, describeTransport } from '@kombu/conformance';
import { Connection, type ConnectionOptions, Queue } from '@kombu/core';
import { redis } from '../src/index.js';

const PASSWORD = 'pass word';
const sentinel = await startRedis({ sentinel: 3, replicas: 1, appendonly: 'always', password: PASSWORD });
const nowhere = await freePort();

interface SentinelHandle extends BrokerHandle {
  readonly natMap?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
}

if (isUnavailable(sentinel))
  describe('conformance: redis sentinel', () => it.skip(`skipped: ${sentinel.unavailable}`, () => {}));
else {
  const urlOf = (password: string, ports = sentinel.sentinels.map(({ port }) => port)) =>
    ports.map((port) => `sentinel://:${encodeURIComponent(password)}@127.0.0.1:${port}/0`).join(';');
  const url = urlOf(PASSWORD);
  const named = (options: ConnectionOptions = {}, { natMap }: Partial<SentinelHandle> = {}): ConnectionOptions => {
    const own = { masterName: sentinel.masterName, ...(natMap === undefined ? {} : { natMap }) };
    return { ...options, transportOptions: { ...options.transportOptions, ...own } };
  };
  const { port: masterPort } = await sentinel.master();
  describeTransport({
    name: 'redis sentinel',
    runner: { describe, it, beforeAll, afterAll, expect },
    open: (broker: SentinelHandle, options) =>
      new Connection(broker.url, { transport: redis, ...named(options, broker) }),
    broker: {
      start: async () => ({ url, port: masterPort }),
      stop: async () => {},
      // Faster than the sentinels take it for dead.
      restart: async () => (await sentinel.master()).restart?.(),
      refused: () => ({ url: urlOf(PASSWORD, [nowhere]) }),
      badCredentials: () => ({ url: urlOf('wrong') }),
      through: (_, port) => ({ url, natMap: { [`127.0.0.1:${masterPort}`]: { host: '127.0.0.1', port } } }),
      killConnections: async () => (await sentinel.master()).killConnections?.(),
    },
    child: {
      module: new URL('../dist/index.js', import.meta.url),
      connect: (broker) => ({ url: broker.url, options: named() as Record<string, unknown> }),
    },
  });

  describe('a failover of the master', () => {
    afterAll(() => sentinel.close());

    it('while messages flow: consumers go on by themselves, and nothing confirmed by a replica is lost', async () => {
      const reconnect = { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 };
      const options = named({
        reconnect,
        transportOptions: { confirmReplicas: 1, confirmReplicasTimeoutMs: 2000, leaseMs: 2000 },
      });
      const publishing = new Connection(url, { transport: redis, ...options });
      const consuming = new Connection(url, { transport: redis, ...options });
      const queue = new Queue(`failover-${process.pid}`);
      const seen = new Set<number>();
      const confirmed: number[] = [];
      const consumer = consuming.consumer({
        queues: [queue],
        onMessage: async (m) => {
          seen.add((m.payload as { n: number }).n);
          await m.ack();
        },
      });
      await consumer.consume();
      const producer = publishing.producer();
      let n = 0;
      let state: 'running' | 'stopped' = 'running';
      const flow = (async () => {
        while (state === 'running') {
          const mine = n++;
          await producer.publish({ n: mine }, { routingKey: queue.name, retry: true, timeoutMs: 30_000 }).then(
            () => confirmed.push(mine),
            () => {},
          );
        }
      })();
      await until(() => confirmed.length > 200, { what: 'messages to flow' });
      await sentinel.failover();
      const before = confirmed.length;
      await until(() => confirmed.length > before + 200, { what: 'messages to flow again', timeoutMs: 40_000 });
      state = 'stopped';
      await flow;
      await until(() => confirmed.every((one) => seen.has(one)), {
        what: 'every confirmed message',
        timeoutMs: 30_000,
      });
      await consumer.close();
      await queue.bind(publishing).delete();
      await consuming.close();
      await publishing.close();
    }, 120_000);

    describe('a sentinel that names a master which is not there', () => {
      const two = async () => {
        const [stale, good] = (await Promise.all(
          Array.from({ length: 2 }, () => startRedis({ sentinel: 1, replicas: 0 })),
        )) as [RedisSentinel, RedisSentinel];
        const options = { transport: redis, transportOptions: { masterName: good.masterName }, connectTimeoutMs: 3000 };
        return { stale, good, both: new Connection(`${stale.url};${good.url}`, options) };
      };

      it('is not the last word: the next one is asked', async () => {
        const { stale, good, both } = await two();
        await (await stale.master()).kill?.();
        await both.connect();
        await both.close();
        await Promise.all([stale.close(), good.close()]);
      }, 60_000);

      it('is not the last word either where that master never answers', async () => {
        const { stale, good, both } = await two();
        const { pid } = await stale.master();
        process.kill(pid as number, 'SIGSTOP');
        await both.connect();
        await both.close();
        process.kill(pid as number, 'SIGCONT');
        await Promise.all([stale.close(), good.close()]);
      }, 60_000);

      it('is told of where no other one knows better', async () => {
        const { stale, good, both } = await two();
        const last = await good.master();
        await (await stale.master()).kill?.();
        await last.kill?.();
        await expect(both.connect()).rejects.toMatchObject({
          code: 'ERR_KOMBU_CONNECT_REFUSED',
          message: expect.stringContaining(`${last.port}`),
        });
        await both.close();
        await Promise.all([stale.close(), good.close()]);
      }, 60_000);
    });

    it('a wrong password of the master is told, whatever the other sentinels say', async () => {
      const ports = [...sentinel.sentinels.map(({ port }) => port), nowhere];
      const connection = new Connection(urlOf('wrong', ports), { transport: redis, ...named() });
      await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED', retryable: false });
      await connection.close();
    });

    it('an unknown master name is an error that says so, at once', async () => {
      const connection = new Connection(url, { transport: redis, transportOptions: { masterName: 'nobody' } });
      await expect(connection.connect()).rejects.toMatchObject({ message: expect.stringContaining('nobody') });
      await connection.close();
      const unnamed = new Connection(url, { transport: redis });
      await expect(unnamed.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
      await unnamed.close();
    });
  });
}
