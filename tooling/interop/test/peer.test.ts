import { afterAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, startRedis } from '@kombu/brokers';
import { type PythonPeer, startPython } from '@kombu/interop';

const redis = await startRedis();
afterAll(() => (isUnavailable(redis) ? undefined : redis.close()));

for (const version of ['5.2', 'latest'] as const) {
  const python = await startPython({ version });

  describe(`Python Kombu ${version}`, () => {
    if (isUnavailable(python)) {
      it.skip(`skipped: ${python.unavailable}`, () => {});
      return;
    }
    const victims: PythonPeer[] = [];
    afterAll(async () => {
      for (const peer of [python, ...victims]) await peer.close();
    });

    it('says its versions', () => {
      expect(python.version).toMatch(version === '5.2' ? /^5\.2\./ : /^5\.[3-9]/);
      expect(python.pythonVersion).toMatch(/^3\./);
    });

    it('carries every kind of value both ways', async () => {
      const value = {
        text: 'žluťoučký 漢',
        bytes: Buffer.from([0, 255]),
        big: 2n ** 70n,
        negative: -(2n ** 53n),
        when: new Date('2024-05-06T07:08:09.123Z'),
        nan: { $float: 'nan' },
        tuple: { $tuple: [1, 'a'] },
        keyed: { $dict: [[1, 'one']] },
        nothing: null,
      };
      const { data, content_type, content_encoding } = await python.dumps(value, 'pickle');
      expect(content_type).toBe('application/x-python-serialize');
      expect(await python.loads(data, content_type, content_encoding)).toEqual(value);
    });

    it('compresses and decompresses', async () => {
      const data = Buffer.from('abc'.repeat(100));
      for (const method of ['zlib', 'bzip2', 'lzma', 'brotli', 'zstd']) {
        const packed = await python.compress(data, method);
        expect(await python.decompress(packed.data, packed.content_type)).toEqual(data);
      }
    });

    it('says which operation failed and goes on', async () => {
      await expect(python.call('no_such_operation')).rejects.toThrow('AttributeError');
      await expect(python.dumps(1, 'no-such')).rejects.toThrow('SerializerNotInstalled');
      expect((await python.dumps(1, 'json')).data).toBe('1');
    });

    const url = 'memory://';
    const broker = isUnavailable(redis) ? url : redis.url;

    it('declares, publishes, gets, consumes and settles', async () => {
      await python.open(broker);
      const name = `q-${version}`;
      const queue = { name, exchange: { name: `x-${version}`, type: 'topic' }, routing_key: 'a.#' };
      expect(await python.declare({ queue })).toMatchObject({ queue: name, message_count: 0 });
      await python.publish(
        { n: 1 },
        { exchange: `x-${version}`, routing_key: 'a.b', headers: { h: 'é' }, priority: 0 },
      );
      await python.publishMany([2, 3, 4], {
        exchange: `x-${version}`,
        routing_key: 'a.c',
        serializer: 'msgpack',
        compression: 'zlib',
      });
      expect(await python.size(name)).toBe(4);

      const first = await python.get(name, { settle: 'none' });
      expect(first).toMatchObject({ payload: { n: 1 }, headers: { h: 'é' }, content_type: 'application/json' });
      await python.settle(first?.delivery_tag ?? '', 'requeue');
      expect(await python.size(name)).toBe(4);

      const got = await python.consume(name, { n: 4 });
      expect(got.map((m) => m.payload)).toEqual(expect.arrayContaining([2, 3, 4, { n: 1 }]));
      expect(await python.consume(name, { n: 1, timeout: 0.2 })).toEqual([]);
      expect(await python.get(name)).toBeUndefined();
      await python.deleteQueue(name);
    });

    it('takes no more than it was asked for', async () => {
      await python.open(broker);
      await python.declare({ queue: { name: 'few' } });
      await python.publishMany([1, 2, 3, 4, 5], { routing_key: 'few' });
      expect(await python.consume('few', { n: 2 })).toHaveLength(2);
      expect(await python.size('few')).toBe(3);
      expect(await python.purge('few')).toBe(3);
    });

    it('asks and answers over a mailbox', async () => {
      if (isUnavailable(redis)) return;
      const node = await startPython({ version });
      if (isUnavailable(node)) return;
      victims.push(node);
      await node.open(broker);
      await python.open(broker);
      const served = node.serveMailbox('box', { hostname: 'n1', n: 1, timeout: 20 });
      let replies: unknown[] = [];
      while (replies.length === 0)
        replies = await python.inspect('box', 'echo', { arguments: { a: 1 }, timeout: 1, limit: 1 });
      expect(replies).toEqual([{ n1: { ok: ['echo', { a: 1 }] } }]);
      expect(await served).toBeGreaterThanOrEqual(1);
    });

    it('dies when it is told to, with what it holds', async () => {
      if (isUnavailable(redis)) return;
      const victim = await startPython({ version });
      if (isUnavailable(victim)) return;
      victims.push(victim);
      const before = Number(await redis.command('HLEN', 'unacked'));
      await victim.open(broker);
      await victim.declare({ queue: { name: 'held' } });
      await victim.publish('x', { routing_key: 'held' });
      expect(await victim.get('held', { settle: 'none' })).toMatchObject({ payload: 'x' });
      const waiting = victim.consume('held', { n: 1, timeout: 20 });
      const failed = expect(waiting).rejects.toThrow('ended');
      await victim.crash();
      await failed;
      await expect(victim.size('held')).rejects.toThrow('ended');
      expect(await redis.command('HLEN', 'unacked')).toBe(before + 1);
    });
  });
}
