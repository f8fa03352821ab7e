import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, type Redis, startRedis } from '@kombu/brokers';

const probe = await startRedis();

if (isUnavailable(probe)) {
  describe('redis-server', () => {
    it.skip(`skipped: ${probe.unavailable}`, () => {});
  });
} else {
  afterAll(() => probe.close());

  describe('redis-server', () => {
    it('keeps its data and its port over a kill and a restart when it appends', async () => {
      const redis = (await startRedis({ appendonly: true })) as Redis;
      try {
        await redis.command('SET', 'a', '1');
        await redis.kill?.();
        await expect(redis.command('PING')).rejects.toThrow();
        await redis.start?.();
        expect(await redis.command('GET', 'a')).toBe('1');
        await redis.restart?.();
        expect(await redis.command('GET', 'a')).toBe('1');
      } finally {
        await redis.close();
      }
    });

    it('listens on a Unix socket whose folder goes away with it', async () => {
      const redis = (await startRedis({ unixSocket: true })) as Redis;
      expect(existsSync(redis.socket as string)).toBe(true);
      expect(redis.socketUrl).toContain('redis+socket:///');
      await redis.close();
      await redis.close();
      expect(existsSync(redis.socket as string)).toBe(false);
    });

    it('asks for the password it was given', async () => {
      const redis = (await startRedis({ password: 'p@ss' })) as Redis;
      expect(redis.url).toContain('p%40ss');
      expect(await redis.command('PING')).toBe('PONG');
      await redis.close();
    });

    it('speaks TLS with a certificate of the authority it names', async () => {
      const redis = await startRedis({ tls: true });
      if (isUnavailable(redis)) throw new Error(redis.unavailable);
      expect(redis.url.startsWith('rediss://')).toBe(true);
      expect(await redis.command('PING')).toBe('PONG');
      await redis.close();
    });

    it('says what it could not start with', async () => {
      await expect(startRedis({ config: { 'no-such-directive': 1 } })).rejects.toThrow(/no-such-directive/);
    });
  });

  describe('a Redis cluster', () => {
    it('owns every slot and comes back as a whole', async () => {
      const cluster = await startRedis({ cluster: 3 });
      if (isUnavailable(cluster)) throw new Error(cluster.unavailable);
      try {
        expect(cluster.nodes).toHaveLength(3);
        await cluster.restart?.();
        for (const node of cluster.nodes) {
          expect(await node.command('CLUSTER', 'INFO')).toContain('cluster_slots_ok:16384');
        }
      } finally {
        await cluster.close();
      }
    });
  });

  describe('sentinels', () => {
    it('promote a replica when asked to', async () => {
      const sentinel = await startRedis({ sentinel: 1, replicas: 1 });
      if (isUnavailable(sentinel)) throw new Error(sentinel.unavailable);
      try {
        const before = await sentinel.master();
        await sentinel.failover();
        const after = await sentinel.master();
        expect(after.port).not.toBe(before.port);
        expect(await after.command('ROLE')).toEqual(expect.arrayContaining(['master']));
      } finally {
        await sentinel.close();
      }
    });
  });
}
