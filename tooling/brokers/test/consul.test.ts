import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { type Consul, isUnavailable, startConsul } from '@kombu/brokers';

const TOKEN = '5a3b1a52-8f0e-4a5e-9d0c-6b7a4a1f0c11';
const probe = await startConsul();

if (isUnavailable(probe)) {
  describe('Consul', () => {
    it.skip(`skipped: ${probe.unavailable}`, () => {});
  });
} else {
  afterAll(() => probe.close());

  describe('Consul', () => {
    it('keeps its data and its port over a kill and a restart', async () => {
      const consul = (await startConsul({ sessionTtlMin: '500ms' })) as Consul;
      try {
        await consul.call('PUT', 'kv/a', '1');
        await consul.kill?.();
        await expect(consul.call('GET', 'kv/a')).rejects.toThrow();
        await consul.start?.();
        expect(await consul.call('GET', 'kv/a')).toMatchObject([{ Value: Buffer.from('1').toString('base64') }]);
      } finally {
        await consul.close();
      }
    }, 60_000);

    it('asks for the token it was given', async () => {
      const consul = (await startConsul({ token: TOKEN })) as Consul;
      try {
        expect(consul.url).toBe(`consul://:${TOKEN}@127.0.0.1:${consul.port}/`);
        expect(await consul.call('PUT', 'kv/a', '1')).toBe(true);
        const stranger = await fetch(`http://127.0.0.1:${consul.port}/v1/kv/a`, { method: 'PUT', body: '2' });
        expect(stranger.status).toBe(403);
      } finally {
        await consul.close();
      }
    }, 60_000);
  });
}

describe('where Consul cannot be had', () => {
  const { KOMBU_CACHE, KOMBU_TEST_NO_INSTALL, KOMBU_TEST_CONSUL_URL, PATH } = process.env;
  const set = (env: Record<string, string | undefined>): void => {
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };

  afterEach(() => set({ KOMBU_CACHE, KOMBU_TEST_NO_INSTALL, KOMBU_TEST_CONSUL_URL, PATH }));

  it('the reason says what was tried', async () => {
    const empty = await mkdtemp(path.join(tmpdir(), 'kombu-empty-'));
    set({ KOMBU_CACHE: empty, KOMBU_TEST_NO_INSTALL: '1', KOMBU_TEST_CONSUL_URL: undefined, PATH: empty });
    const answer = await startConsul();
    expect(answer).toEqual({
      unavailable: expect.stringContaining('consul is not on the PATH; KOMBU_TEST_NO_INSTALL'),
    });
    await rm(empty, { recursive: true });
  });
});
