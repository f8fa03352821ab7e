import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { startProxy, until } from '@kombu/brokers';
import { type Connection, KombuError, Queue } from '@kombu/core';
import { MAX_BODY_BYTES } from '../src/layout.js';
import { connect, fetched, keysBelow, through } from './support/connect.js';
import { withServer } from './support/server.js';

jest.setTimeout(30_000);

await withServer({}, (server) => {
  let number = 0;
  let queue: Queue;
  let connection: Connection;
  const publish = async (...bodies: unknown[]): Promise<void> => {
    for (const body of bodies) await connection.producer().publish(body, { routingKey: queue.name });
  };
  const put = (key: string, value: string, query = ''): Promise<unknown> =>
    server.call('PUT', `kv/${encodeURIComponent(key)}${query}`, value);
  const claims = (): Promise<string[]> => keysBelow(server, `kombu/${queue.name}/claim/`);
  const session = async (): Promise<string> =>
    (await server.call('PUT', 'session/create', JSON.stringify({ TTL: '60s', LockDelay: '0s', Checks: [] }))).ID;

  beforeEach(async () => {
    queue = new Queue(`fault${++number}`);
    connection = connect(server);
    await queue.bind(connection).queueDeclare();
  });
  afterEach(() => connection.close());
  afterAll(() => server.close());

  describe('a message that does not fit into a transaction', () => {
    const large = Buffer.alloc(MAX_BODY_BYTES, 'k');

    it('is published, requeued, given back and acknowledged like any other', async () => {
      await publish(large, 'small');
      const first = await fetched(connection, queue);
      expect(first.body.byteLength).toBe(large.byteLength);
      await first.requeue();
      const small = await fetched(connection, queue);
      expect(small.payload).toBe('small');
      await small.ack();
      const again = await fetched(connection, queue);
      expect(again.deliveryInfo.redelivered).toBe(true);
      expect(large.equals(again.body)).toBe(true);
      await again.ack({ confirm: true });
      expect(await keysBelow(server, `kombu/${queue.name}/`)).toEqual([`kombu/${queue.name}/declared`]);
    });

    it('is there once when it is requeued by a session that has ended', async () => {
      await publish(large);
      const held = await fetched(connection, queue);
      const sessions = await server.call('GET', 'session/list');
      for (const { ID } of sessions) await server.call('PUT', `session/destroy/${ID}`);
      await held.requeue().catch(() => {});
      const other = connect(server);
      const again = await fetched(other, queue);
      expect(await keysBelow(server, `kombu/${queue.name}/msg/`)).toHaveLength(1);
      await again.ack({ confirm: true });
      await other.close();
    });
  });

  describe('a message that is too large', () => {
    it('is refused before anything is sent, and others of its batch are stored', async () => {
      const producer = connection.producer();
      const route = { routingKey: queue.name };
      const outcomes = await Promise.allSettled([
        producer.publish('before', route),
        producer.publish(Buffer.alloc(MAX_BODY_BYTES + 1), route),
        producer.publish('x', { ...route, headers: { long: 'x'.repeat(600_000) } }),
        producer.publish('after', route),
      ]);
      const codes = outcomes.map((o) =>
        o.status === 'rejected' && KombuError.is(o.reason) ? o.reason.code : 'stored',
      );
      const tooLarge = 'ERR_KOMBU_MESSAGE_TOO_LARGE';
      expect(codes).toEqual(['stored', tooLarge, tooLarge, 'stored']);
      expect((await queue.bind(connection).queueDeclare()).messageCount).toBe(2);
    });
  });

  describe('what others do in the store', () => {
    it('a message that somebody else has claimed is theirs, until their session ends; then it comes flagged', async () => {
      await publish('it', 'next');
      const [name = ''] = (await keysBelow(server, `kombu/${queue.name}/msg/`)).map((key) => key.split('/').at(-1));
      const other = await session();
      await put(`kombu/${queue.name}/claim/${name}`, '', `?acquire=${other}`);
      const message = await fetched(connection, queue);
      expect(message.payload).toBe('next');
      await message.ack();
      expect(await queue.bind(connection).get()).toBeUndefined();
      await server.call('PUT', `session/destroy/${other}`);
      const theirs = await fetched(connection, queue);
      expect([theirs.payload, theirs.deliveryInfo.redelivered]).toEqual(['it', true]);
      await theirs.ack({ confirm: true });
    });

    it('a claim whose message is gone is removed', async () => {
      const other = await session();
      await put(`kombu/${queue.name}/claim/9-gone`, '', `?acquire=${other}`);
      await server.call('PUT', `session/destroy/${other}`);
      expect(await claims()).toHaveLength(1);
      expect(await queue.bind(connection).get()).toBeUndefined();
      await until(async () => (await claims()).length === 0, { what: 'the claim is removed' });
    });

    it('a value that is no envelope is delivered as the text it is, and holds nobody up', async () => {
      await put(`kombu/${queue.name}/msg/1_no-envelope`, 'not json');
      await put(`kombu/${queue.name}/msg/2_empty`, '');
      await publish('good');
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues: [queue],
        onMessage: async (message) => {
          seen.push(message.payload);
          await message.ack({ confirm: true });
        },
      });
      await consumer.consume();
      await until(() => seen.length === 3, { what: 'all have come' });
      expect([...seen].sort()).toEqual(['', 'good', 'not json']);
      await consumer.close();
      expect(await keysBelow(server, `kombu/${queue.name}/msg/`)).toEqual([]);
    });

    it('the end of a queue by another connection is told to its consumer at once', async () => {
      const consumer = connection.consumer({ queues: [queue], onMessage: () => {} });
      const cancelled = new Promise((resolve) => consumer.on('cancelled', resolve));
      await consumer.consume();
      const other = connect(server);
      const begun = performance.now();
      await queue.bind(other).delete();
      await cancelled;
      expect(performance.now() - begun).toBeLessThan(2000);
      await other.close();
      expect(await keysBelow(server, `kombu/${queue.name}`)).toEqual([]);
    });

    it('the end of the queue while a message is held is no error for who settles it', async () => {
      await publish('it', 'that');
      const [held, back] = [await fetched(connection, queue), await fetched(connection, queue)];
      await queue.bind(connection).delete();
      await held.ack({ confirm: true });
      await back.requeue();
      await queue.bind(connection).queueDeclare();
      expect(await queue.bind(connection).get()).toBeUndefined();
    });
  });

  describe('a server that does not answer', () => {
    it('ends a publish at its deadline, and the next one succeeds when the server is back', async () => {
      const proxy = await startProxy(server.port);
      const far = connect(through(server, proxy.port), { transportOptions: { timeoutMs: 500 } });
      try {
        const producer = far.producer();
        await producer.publish('a', { routingKey: queue.name });
        proxy.freeze();
        const begun = performance.now();
        const late = producer.publish('b', { routingKey: queue.name, timeoutMs: 1500 });
        await expect(late).rejects.toMatchObject({ retryable: true });
        expect(performance.now() - begun).toBeLessThan(3000);
        proxy.resume();
        await producer.publish('c', { routingKey: queue.name, retry: true, timeoutMs: 10_000 });
        const bodies = [(await fetched(connection, queue)).payload, (await fetched(connection, queue)).payload];
        expect(bodies).toContain('a');
      } finally {
        await far.close();
        await proxy.close();
      }
    });
  });

  describe('options that make no sense', () => {
    it('are InvalidOptionErrors', async () => {
      for (const prefix of ['', '/kombu', 'kombu/', 'a//b', 'a/../b', '.']) {
        const wrong = connect(server, { transportOptions: { prefix } });
        await expect(wrong.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
        await wrong.close();
      }
    });
  });
});
