import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { type Connection, type KombuError, Message, type PublishOptions, Queue } from '../../src/index.js';
import { settle, until } from '../support/memory.js';
import { failure, memoryTest } from '../support/with-memory.js';

const queue = new Queue('q');

const with_ = memoryTest({
  declare: [queue],
  options: () => ({ reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } }),
});

async function message(connection: Connection, body: unknown, options: PublishOptions = {}): Promise<Message> {
  await connection.producer().publish(body, { routingKey: 'q', ...options });
  const got = await queue.bind(connection).get();
  if (got === undefined) throw new Error('nothing arrived');
  return got;
}

describe('a message', () => {
  it('is decoded on first use, once', () =>
    with_(async (connection) => {
      const one = await message(connection, { deep: { a: 1 } });
      expect(one.payload).toEqual({ deep: { a: 1 } });
      expect(one.payload).toBe(one.payload);
      expect(one.decode()).toBe(one.payload);
      expect(one).toBeInstanceOf(Message);
    }));

  it('has its bytes, what was sent with it, and where it came from', () =>
    with_(async (connection) => {
      const one = await message(
        connection,
        { a: 'x'.repeat(50) },
        { compression: 'zlib', headers: { 'X-Mixed Case': 'Ü', n: 5 }, correlationId: 'c' },
      );
      expect(Buffer.isBuffer(one.body)).toBe(true);
      expect(one.body.toString()).toBe(`{"a":"${'x'.repeat(50)}"}`);
      expect(one.headers).toEqual({ 'X-Mixed Case': 'Ü', n: 5, compression: 'application/x-gzip' });
      expect(one.properties).toEqual({ deliveryMode: 2, priority: 0, correlationId: 'c' });
      expect(one.deliveryInfo).toEqual({
        exchange: '',
        routingKey: 'q',
        queue: 'q',
        redelivered: false,
        consumerTag: undefined,
      });
      expect(one.deliveryInfo).toBe(one.deliveryInfo);
      expect(one.deliveryTag).toBeDefined();
      expect(one.contentType).toBe('application/json');
      expect(one.contentEncoding).toBe('utf-8');
      expect(one.channel).toBe(connection.defaultChannel);
      expect(one.errors).toEqual([]);
    }));

  it('may be changed by who got it without anybody else seeing it', () =>
    with_(async (connection) => {
      const one = await message(connection, 'x', { headers: { a: 1 } });
      one.headers.a = 2;
      one.properties.priority = 9;
      await one.requeue();
      const again = await queue.bind(connection).get();
      expect(again?.headers).toEqual({ a: 1 });
      expect(again?.properties.priority).toBe(0);
    }));

  it('throws what is wrong with its body, the same each time', () =>
    with_(async (connection) => {
      const one = await message(connection, '{not json', { contentType: 'application/json' });
      const errors: unknown[] = [];
      for (let i = 0; i < 2; i++) {
        try {
          void one.payload;
        } catch (error) {
          errors.push(error);
        }
      }
      expect(errors).toHaveLength(2);
      expect(errors[0]).toBe(errors[1]);
      expect((errors[0] as KombuError).code).toBe('ERR_KOMBU_DECODE');
      expect(one.errors).toEqual([errors[0]]);
      await one.reject();
    }));

  it('is settled once: by ack, reject or requeue', () =>
    with_(async (connection) => {
      const bound = queue.bind(connection);
      const acked = await message(connection, 1);
      expect(acked.acknowledged).toBe(false);
      await acked.ack();
      expect(acked.acknowledged).toBe(true);
      const rejected = await message(connection, 2);
      await rejected.reject();
      expect(rejected.acknowledged).toBe(true);
      expect(await bound.get()).toBeUndefined();
      await (await message(connection, 3)).requeue();
      const third = await bound.get();
      expect(third?.payload).toBe(3);
      expect(third?.deliveryInfo.redelivered).toBe(true);
      await third?.reject({ requeue: true });
      expect((await bound.get())?.payload).toBe(3);
      for (const again of [acked.ack(), acked.reject(), acked.requeue(), rejected.ack()]) {
        expect((await failure(again)).code).toBe('ERR_KOMBU_ALREADY_SETTLED');
      }
      expect((await failure(acked.ack())).message).toContain("queue 'q' is acked already");
    }));

  it('gives one shared promise for its settlement', () =>
    with_(async (connection) => {
      const [one, two] = [await message(connection, 1), await message(connection, 2)];
      expect(one.ack()).toBe(two.reject());
    }));

  it('never leaves an unhandled rejection when its settlement fails and nobody awaits it', () =>
    with_(async (connection) => {
      const one = await message(connection, 1);
      void one.ack();
      void one.ack();
      void one.reject({ requeue: true });
      await settle(10);
    }));

  it('settles what came before it, too, with multiple', () =>
    with_(async (connection) => {
      const bound = queue.bind(connection);
      await connection.producer({ routingKey: 'q' }).publishMany([1, 2, 3, 4]);
      const got = [await bound.get(), await bound.get(), await bound.get()];
      await got[1]?.ack({ multiple: true });
      await got[2]?.requeue();
      expect([await bound.get(), await bound.get()].map((one) => one?.payload)).toEqual([4, 3]);
      expect(await bound.get()).toBeUndefined();
      expect((await failure(got[0]?.ack() as Promise<void>)).code).toBe('ERR_KOMBU_ALREADY_SETTLED');
    }));

  it('waits for the broker with confirm', () =>
    with_(async (connection) => {
      await (await message(connection, 1)).ack({ confirm: true });
      await (await message(connection, 2)).reject({ confirm: true });
      await (await message(connection, 3)).requeue({ confirm: true });
      expect(await queue.bind(connection).purge()).toBe(1);
    }));

  it('logs what goes wrong instead, on demand', () =>
    with_(async (connection) => {
      const logged: string[] = [];
      const logger = { error: (text: string, error: unknown) => logged.push(`${text}: ${(error as KombuError).code}`) };
      const one = await message(connection, 1);
      await one.ackLogError(logger);
      await one.ackLogError(logger);
      await one.rejectLogError(logger, { requeue: true });
      const tag = String(one.deliveryTag);
      expect(logged).toEqual([
        `could not acknowledge message ${tag}: ERR_KOMBU_ALREADY_SETTLED`,
        `could not reject message ${tag}: ERR_KOMBU_ALREADY_SETTLED`,
      ]);
    }));

  it('has nothing to settle with noAck', () =>
    with_(async (connection) => {
      await connection.producer().publish('x', { routingKey: 'q' });
      const one = await queue.bind(connection).get({ noAck: true });
      expect(one?.acknowledged).toBe(true);
      await one?.ack();
      await one?.ack();
      await one?.requeue();
      expect(await queue.bind(connection).get()).toBeUndefined();
    }));

  it('shows neither its body nor its headers when it is printed', () =>
    with_(async (connection) => {
      const one = await message(
        connection,
        { password: 'hunter2' },
        { headers: { token: 'hunter3' }, replyTo: 'hunter4' },
      );
      void one.payload;
      void one.headers;
      for (const text of [
        inspect(one),
        inspect(one, { depth: 10, showHidden: true }),
        JSON.stringify(one),
        String(one),
      ]) {
        expect(text).not.toContain('hunter');
      }
      expect(inspect(one)).toContain("queue: 'q'");
      expect(inspect({ one })).toContain("state: 'received'");
      await one.ack();
      expect(inspect(one)).toContain("state: 'acked'");
    }));

  it('cannot be settled once the link that it came over is gone', () =>
    with_(async (connection, transport) => {
      const one = await message(connection, 1);
      const lost = new Promise((resolve) => connection.once('disconnected', resolve));
      transport.failLinks();
      await lost;
      const stale = await failure(one.ack());
      expect(stale.code).toBe('ERR_KOMBU_STALE_DELIVERY');
      expect(one.acknowledged).toBe(false);
      await until(() => connection.connected);
      expect((await failure(one.ack())).code).toBe('ERR_KOMBU_STALE_DELIVERY');
      expect((await queue.bind(connection).get())?.payload).toBe(1);
    }));
});
