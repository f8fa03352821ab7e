import { afterAll, describe, expect, it } from '@jest/globals';
import { type Etcd, isUnavailable, startEtcd } from '@kombu/brokers';

const probe = await startEtcd();
const KEY = Buffer.from('a').toString('base64');
const VALUE = Buffer.from('1').toString('base64');

if (isUnavailable(probe)) {
  describe('etcd', () => {
    it.skip(`skipped: ${probe.unavailable}`, () => {});
  });
} else {
  afterAll(() => probe.close());

  describe('etcd', () => {
    it('keeps its data and its port over a kill and a restart', async () => {
      const etcd = (await startEtcd()) as Etcd;
      try {
        await etcd.call('kv/put', { key: KEY, value: VALUE });
        await etcd.kill?.();
        await expect(etcd.call('kv/range', { key: KEY })).rejects.toThrow();
        await etcd.start?.();
        expect(await etcd.call('kv/range', { key: KEY })).toMatchObject({ kvs: [{ value: VALUE }] });
      } finally {
        await etcd.close();
      }
    });

    it('asks for the password it was given, over TLS', async () => {
      const etcd = await startEtcd({ password: 'p@ss', tls: true });
      if (isUnavailable(etcd)) throw new Error(etcd.unavailable);
      expect(etcd.url).toBe(`etcds://root:p%40ss@localhost:${etcd.port}`);
      await etcd.call('kv/put', { key: KEY, value: VALUE });
      expect(await etcd.call('kv/range', { key: KEY })).toMatchObject({ count: '1' });
      await etcd.close();
    });
  });
}
