import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, type Redis, startRedis, until } from '@kombu/brokers';
import { runOnce } from '../src/run-once.js';

/** Where each participant keeps what waits. */
const LISTS = {
  'kombu.js': (id: string) => `bench.${id}.0`,
  'redis-ioredis.js': (id: string) => `raw.${id}`,
  'redis-bullmq.js': (id: string) => `bull:bench-${id}:wait`,
};

function suite(server: Redis) {
  const settings = { scenario: 'consume', prefetch: 10, warmUp: 0, silenceMs: 1_500, restMs: 1_000, url: server.url };
  const start = (runner: string, more: object) => {
    const id = randomUUID();
    return { id, run: runOnce(runner, { ...settings, id, ...more }) };
  };

  describe('a runner over a real broker', () => {
    afterAll(() => server.close());

    it.each(Object.keys(LISTS))('%s passes where nobody interferes', async (runner) => {
      expect(await start(runner, { messages: 300 }).run).toMatchObject({ messages: 300 });
    });

    it.each(Object.entries(LISTS))('%s fails when a message is stolen from its queue', async (runner, listOf) => {
      const { id, run } = start(runner, { messages: 5_000 });
      const failed = expect(run).rejects.toThrow(
        /stored: 4999 messages instead of 5000|1 of 5000 messages are missing/,
      );
      await until(async () => await server.command('RPOP', listOf(id)), { what: 'a message to steal', everyMs: 1 });
      await failed;
    });

    it.each(Object.entries(LISTS))(
      '%s fails when one message stands in the place of another',
      async (runner, listOf) => {
        const { id, run } = start(runner, { messages: 5_000 });
        const failed = expect(run).rejects.toThrow('1 of 5000 messages are missing');
        const list = listOf(id);
        await until(async () => Number(await server.command('LLEN', list)) > 1, { what: 'two messages', everyMs: 1 });
        await server.command('EVAL', "redis.call('LSET', KEYS[1], -1, redis.call('LINDEX', KEYS[1], -2))", 1, list);
        await failed;
      },
    );
  });
}

const redis = await startRedis();

if (isUnavailable(redis)) describe('runners over Redis', () => it.skip(`skipped: ${redis.unavailable}`, () => {}));
else suite(redis);
