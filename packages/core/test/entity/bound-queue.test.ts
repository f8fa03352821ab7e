import { describe, expect, it } from '@jest/globals';
import { binding, type ChannelError, Exchange, type KombuError, Queue } from '../../src/index.js';
import { settle } from '../support/memory.js';
import { failure, memoryTest } from '../support/with-memory.js';

const media = new Exchange('media', { type: 'topic' });
const video = new Queue<{ n: number }>('video', { exchange: media, routingKey: 'video.#' });

const with_ = memoryTest();

describe('a bound queue', () => {
  it('knows its channel: the one it was bound to, or the default channel of a connection', () =>
    with_(async (connection) => {
      const channel = connection.channel();
      expect(video.bind(channel).channel).toBe(channel);
      expect(video.bind(connection).channel).toBe(connection.defaultChannel);
      expect(video.bind(connection)).toMatchObject({ name: 'video', routingKey: 'video.#', entity: video });
    }));

  it('declares its exchange, itself and its bindings', () =>
    with_(async (connection) => {
      const news = new Exchange('news', { type: 'fanout' });
      const queue = new Queue('q', {
        exchange: media,
        routingKey: 'a.*',
        bindings: [binding(media, { routingKey: 'b.*' }), binding(news)],
      });
      expect(await queue.bind(connection).declare()).toBe('q');
      const producer = connection.producer();
      await producer.publish('1', { exchange: 'media', routingKey: 'a.x' });
      await producer.publish('2', { exchange: 'media', routingKey: 'b.x' });
      await producer.publish('3', { exchange: 'media', routingKey: 'c.x' });
      await producer.publish('4', { exchange: 'news' });
      expect(await queue.bind(connection).purge()).toBe(3);
    }));

  it('tells onDeclared its name and counts each time it is declared', () =>
    with_(async (connection) => {
      const told: unknown[] = [];
      const queue = new Queue('q', { onDeclared: (...args) => told.push(args) });
      await queue.bind(connection).declare();
      await connection.producer().publish('x', { routingKey: 'q' });
      const consumer = connection.consumer({ queues: new Queue('q'), onMessage: () => {} });
      await consumer.consume();
      await settle();
      await connection.producer().publish('y', { routingKey: 'other', declare: [new Queue('other')] });
      await queue.bind(connection).queueDeclare();
      expect(told).toEqual([
        ['q', 0, 0],
        ['q', 0, 1],
      ]);
    }));

  it('gets its name from the broker when it has none', () =>
    with_(async (connection) => {
      const names: string[] = [];
      const anonymous = new Queue('', { exclusive: true, alias: 'replies', onDeclared: (name) => names.push(name) });
      const bound = anonymous.bind(connection);
      expect(bound.isServerNamed).toBe(false);
      const name = await bound.declare();
      expect(name).not.toBe('');
      expect(bound.name).toBe(name);
      expect(bound.isServerNamed).toBe(true);
      expect(names).toEqual([name]);
      expect(anonymous.name).toBe('');
      await connection.producer().publish('x', { routingKey: name });
      expect((await bound.get())?.payload).toBe('x');
    }));

  it('does nothing at all when it is not to be declared', () =>
    with_(async (connection) => {
      const queue = new Queue('undeclared', { exchange: media, noDeclare: true });
      expect(await queue.bind(connection).declare()).toBe('undeclared');
      expect(await queue.bind(connection).queueDeclare()).toMatchObject({ queue: 'undeclared' });
      const passive = await failure(queue.bind(connection).queueDeclare({ passive: true }));
      expect(passive.code).toBe('ERR_KOMBU_NOT_FOUND');
    }));

  it('only looks when it is declared passively', () =>
    with_(async (connection) => {
      const missing = await failure(video.bind(connection).declare({ passive: true }));
      expect(missing.code).toBe('ERR_KOMBU_NOT_FOUND');
      await video.bind(connection).declare();
      expect(await video.bind(connection).declare({ passive: true })).toBe('video');
      const info = await video.bind(connection).queueDeclare({ passive: true });
      expect(info).toEqual({ queue: 'video', messageCount: 0, consumerCount: 0 });
    }));

  it('is refused when it exists and is different', () =>
    with_(async (connection) => {
      await video.bind(connection).declare();
      const other = new Queue('video', { exchange: media, routingKey: 'video.#', maxLength: 5 });
      expect((await failure(other.bind(connection).declare())).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
      const otherExchange = new Queue('audio', { exchange: new Exchange('media', { type: 'fanout' }) });
      expect((await failure(otherExchange.bind(connection).declare())).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    }));

  it('binds and unbinds', () =>
    with_(async (connection) => {
      const bound = video.bind(connection);
      await bound.declare();
      const producer = connection.producer({ exchange: media });
      const count = async (key: string) => {
        await producer.publish('x', { routingKey: key });
        return bound.purge();
      };
      expect(await count('video.a')).toBe(1);
      await bound.queueUnbind();
      expect(await count('video.a')).toBe(0);
      await bound.queueBind();
      expect(await count('video.a')).toBe(1);
      await bound.bindTo(media, { routingKey: 'audio' });
      expect(await count('audio')).toBe(1);
      await bound.unbindFrom('media', { routingKey: 'audio' });
      expect(await count('audio')).toBe(0);
      await new Queue('plain').bind(connection).queueUnbind(); // The default exchange has no bindings.
    }));

  it('unbinds with the arguments it was bound with, unless others are given', () =>
    with_(async (connection) => {
      const exchange = new Exchange('h', { type: 'headers' });
      const queue = new Queue('q', { exchange, bindingArguments: { 'x-match': 'all', a: 1 } });
      const bound = queue.bind(connection);
      await bound.declare();
      const producer = connection.producer({ exchange });
      await producer.publish('x', { headers: { a: 1 } });
      expect(await bound.purge()).toBe(1);
      await bound.queueUnbind();
      await producer.publish('x', { headers: { a: 1 } });
      expect(await bound.purge()).toBe(0);
    }));

  it('gets one message, or undefined', () =>
    with_(async (connection) => {
      const bound = video.bind(connection);
      await bound.declare();
      expect(await bound.get()).toBeUndefined();
      await connection.producer().publish({ n: 1 }, { exchange: media, routingKey: 'video.1' });
      const message = await bound.get();
      expect(message?.payload.n).toBe(1);
      expect(message?.acknowledged).toBe(false);
      expect(message?.deliveryInfo).toEqual({
        exchange: 'media',
        routingKey: 'video.1',
        queue: 'video',
        redelivered: false,
        consumerTag: undefined,
      });
      await message?.requeue();
      const again = await bound.get();
      expect(again?.deliveryInfo.redelivered).toBe(true);
      await again?.ack();
      expect(await bound.get()).toBeUndefined();
    }));

  it('gets for good with noAck, also within a time', () =>
    with_(async (connection) => {
      const bound = new Queue('q', { noAck: true }).bind(connection);
      await bound.declare();
      for (const options of [{}, { timeoutMs: 1000 }, { signal: new AbortController().signal }]) {
        await connection.producer().publish('x', { routingKey: 'q' });
        const message = await bound.get(options);
        expect(message?.payload).toBe('x');
        expect(message?.acknowledged).toBe(true);
      }
      expect((await bound.queueDeclare({ passive: true })).messageCount).toBe(0);
      await connection.producer().publish('y', { routingKey: 'q' });
      expect((await bound.get({ noAck: false }))?.acknowledged).toBe(false);
    }));

  it('rejects a message that accept refuses and says so', () =>
    with_(async (connection) => {
      const bound = new Queue('q').bind(connection);
      await bound.declare();
      await connection.producer().publish('yes', { routingKey: 'q' });
      await connection.producer().publish({ a: 1 }, { routingKey: 'q', serializer: 'json' });
      await connection.producer().publish({ a: 2 }, { routingKey: 'q', serializer: 'json' });
      expect((await bound.get({ accept: ['msgpack'] }))?.payload).toBe('yes');
      const refused = await failure(bound.get({ accept: ['msgpack'] }));
      expect(refused.code).toBe('ERR_KOMBU_CONTENT_DISALLOWED');
      const kept: unknown[] = [];
      const second = await failure(
        bound.get({
          accept: ['msgpack'],
          onDecodeError: async (message, error) => {
            kept.push(error.code, message.errors[0]?.code);
            await message.requeue();
          },
        }),
      );
      expect(second.code).toBe('ERR_KOMBU_CONTENT_DISALLOWED');
      expect(kept).toEqual(['ERR_KOMBU_CONTENT_DISALLOWED', 'ERR_KOMBU_CONTENT_DISALLOWED']);
      expect((await bound.get({ accept: ['json'] }))?.payload).toEqual({ a: 2 });
    }));

  it('purges and deletes, and says how many messages were in it', () =>
    with_(async (connection) => {
      const bound = new Queue('q').bind(connection);
      await bound.declare();
      const producer = connection.producer({ routingKey: 'q' });
      await producer.publishMany(['a', 'b', 'c']);
      expect(await bound.purge()).toBe(3);
      expect(await bound.purge()).toBe(0);
      await producer.publishMany(['a', 'b']);
      expect((await failure(bound.delete({ ifEmpty: true }))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
      const tag = await bound.consume({ onMessage: () => {} });
      expect(((await failure(bound.delete({ ifUnused: true }))) as ChannelError).code).toBe(
        'ERR_KOMBU_PRECONDITION_FAILED',
      );
      await bound.cancel(tag);
      await settle();
      expect(await bound.delete({ ifUnused: true })).toBeGreaterThanOrEqual(0);
      expect(await bound.delete()).toBe(0);
      expect((await failure(bound.queueDeclare({ passive: true }))).code).toBe('ERR_KOMBU_NOT_FOUND');
    }));

  it('is declared again by a publish after it was deleted', () =>
    with_(async (connection) => {
      const producer = connection.producer();
      const options = { exchange: media, routingKey: 'video.x', declare: [video] };
      await producer.publish({ n: 1 }, options);
      await video.bind(connection).delete();
      await producer.publish({ n: 2 }, options);
      expect((await video.bind(connection).get())?.payload).toEqual({ n: 2 });
    }));

  it('tells the connection of a failure that nobody waits for', () =>
    with_(async (connection) => {
      await video.bind(connection).declare();
      const errors: string[] = [];
      connection.on('error', (error) => errors.push((error as KombuError).code));
      await connection.connect();
      await new Queue('video', { exchange: media, maxLength: 1 }).bind(connection).queueDeclare({ nowait: true });
      await settle();
      expect(errors).toEqual(['ERR_KOMBU_PRECONDITION_FAILED']);
    }));

  it('consumes with a handler under a tag that can be cancelled', () =>
    with_(async (connection) => {
      const bound = new Queue('q').bind(connection);
      await bound.declare();
      const seen: unknown[] = [];
      const tag = await bound.consume({
        consumerTag: 'mine',
        onMessage: (message) => {
          seen.push(message.payload, message.deliveryInfo.consumerTag);
          void message.ack();
        },
      });
      expect(tag).toBe('mine');
      await connection.producer().publish('a', { routingKey: 'q' });
      await settle();
      expect(seen).toEqual(['a', 'mine']);
      expect((await failure(bound.consume({ consumerTag: 'mine', onMessage: () => {} }))).code).toBe(
        'ERR_KOMBU_INVALID_OPTION',
      );
      await bound.cancel('mine');
      await connection.producer().publish('b', { routingKey: 'q' });
      await settle();
      expect(seen).toEqual(['a', 'mine']);
      expect((await bound.get())?.payload).toBe('b');
      await bound.cancel('unknown');
      expect((await failure(bound.consume({} as never))).code).toBe('ERR_KOMBU_INVALID_OPTION');
    }));

  it('lets the handlers of its consumers finish when the connection closes', () =>
    with_(async (connection) => {
      const bound = new Queue('q').bind(connection);
      await bound.declare();
      let finished = 0;
      let closed = false;
      await bound.consume({
        onMessage: async (message) => {
          await settle(5);
          await message.ack();
          finished++;
          if (message.payload === 'last') {
            await connection.close();
            closed = true;
          }
        },
      });
      await connection.producer().publishMany(['first', 'last'], { routingKey: 'q' });
      await settle(1);
      await connection.close();
      expect(finished).toBe(2);
      await settle();
      expect(closed).toBe(true);
    }));

  it('ends at its deadline or by its signal', () =>
    with_(async (connection) => {
      const bound = video.bind(connection);
      const aborted = await failure(bound.declare({ signal: AbortSignal.abort() }));
      expect(aborted.code).toBe('ERR_KOMBU_ABORTED');
      expect((await failure(bound.get({ signal: AbortSignal.abort() }))).code).toBe('ERR_KOMBU_ABORTED');
      await expect(bound.declare({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    }));
});
