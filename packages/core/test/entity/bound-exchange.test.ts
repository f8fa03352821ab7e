import { describe, expect, it } from '@jest/globals';
import { Exchange, type PreparedMessage, Queue } from '../../src/index.js';
import { memoryTest } from '../support/with-memory.js';

const with_ = memoryTest();

describe('a bound exchange', () => {
  it('declares itself; amq.* exchanges and the default one are there already', () =>
    with_(async (connection) => {
      await new Exchange('media', { type: 'topic' }).bind(connection).declare();
      await new Exchange('').bind(connection).declare();
      await new Exchange('amq.topic', { type: 'topic', durable: false }).bind(connection).declare();
      await new Exchange('amq.nonsense').bind(connection).declare();
      await expect(new Exchange('media', { type: 'direct' }).bind(connection).declare()).rejects.toMatchObject({
        code: 'ERR_KOMBU_PRECONDITION_FAILED',
      });
      const queue = new Queue('q', { exchange: new Exchange('amq.topic', { type: 'topic' }), routingKey: '#' });
      await queue.bind(connection).declare();
      await connection.producer().publish('x', { exchange: 'amq.topic', routingKey: 'a.b' });
      expect((await queue.bind(connection).get())?.payload).toBe('x');
    }));

  it('does nothing when it is not to be declared, and only looks when it is passive', () =>
    with_(async (connection) => {
      await new Exchange('media', { noDeclare: true }).bind(connection).declare();
      const passive = new Exchange('media', { passive: true });
      await expect(passive.bind(connection).declare()).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
      await expect(new Exchange('media').bind(connection).declare({ passive: true })).rejects.toMatchObject({
        code: 'ERR_KOMBU_NOT_FOUND',
      });
      await passive.bind(connection).declare({ passive: false });
      await passive.bind(connection).declare();
    }));

  it('deletes itself, unless it is in use and that matters', () =>
    with_(async (connection) => {
      const exchange = new Exchange('media');
      await new Queue('q', { exchange }).bind(connection).declare();
      await expect(exchange.bind(connection).delete({ ifUnused: true })).rejects.toMatchObject({
        code: 'ERR_KOMBU_PRECONDITION_FAILED',
      });
      await exchange.bind(connection).delete();
      await exchange.bind(connection).delete();
      await expect(connection.producer().publish('x', { exchange })).rejects.toMatchObject({
        code: 'ERR_KOMBU_NOT_FOUND',
      });
    }));

  it('passes on what reaches an exchange that it is bound to, until it is unbound', () =>
    with_(async (connection) => {
      const all = new Exchange('all', { type: 'topic' });
      const errors = new Exchange('errors', { type: 'fanout' });
      const queue = new Queue('q', { exchange: errors });
      await queue.bind(connection).declare();
      await all.bind(connection).declare();
      await errors.bind(connection).bindTo(all, { routingKey: '*.error' });
      const producer = connection.producer({ exchange: all });
      await producer.publish('1', { routingKey: 'disk.error' });
      await producer.publish('2', { routingKey: 'disk.info' });
      expect((await queue.bind(connection).get())?.payload).toBe('1');
      expect(await queue.bind(connection).get()).toBeUndefined();
      await errors.bind(connection).unbindFrom('all', { routingKey: '*.error' });
      await producer.publish('3', { routingKey: 'disk.error' });
      expect(await queue.bind(connection).get()).toBeUndefined();
    }));

  it('publishes a body, or a message that it has made before', () =>
    with_(async (connection) => {
      const exchange = new Exchange('media', { deliveryMode: 'transient' });
      const queue = new Queue('q', { exchange, routingKey: 'k' });
      await queue.bind(connection).declare();
      const bound = exchange.bind(connection);
      const message = bound.message({ a: 1 }, { headers: { h: 1 }, correlationId: 'c' }) as PreparedMessage;
      expect(message).toMatchObject({
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        headers: { h: 1 },
        properties: { deliveryMode: 1, priority: 0, correlationId: 'c' },
      });
      await bound.publish(message, { routingKey: 'k' });
      await bound.publish('text', { routingKey: 'k', priority: 3 });
      await bound.publish(bound.message({ big: 'x'.repeat(1000) }, { compression: 'zlib' }), { routingKey: 'k' });
      const received = [];
      for (let i = 0; i < 3; i++) received.push(await queue.bind(connection).get());
      // The one with a priority goes first.
      expect(received.map((one) => one?.payload)).toEqual(['text', { a: 1 }, { big: 'x'.repeat(1000) }]);
      expect(received[1]?.properties.correlationId).toBe('c');
      expect(received[1]?.headers).toEqual({ h: 1 });
      await expect(bound.publish('x', { routingKey: 'none', mandatory: true })).rejects.toMatchObject({
        code: 'ERR_KOMBU_NO_ROUTE',
      });
    }));

  it('makes bindings for queues', () =>
    with_(async (connection) => {
      const exchange = new Exchange('media');
      const one = exchange.bind(connection).binding({ routingKey: 'k', arguments: { a: 1 } });
      expect(one).toMatchObject({ exchange, routingKey: 'k', arguments: { a: 1 } });
      expect(exchange.bind(connection).name).toBe('media');
      expect(exchange.bind(connection).type).toBe('direct');
    }));
});
