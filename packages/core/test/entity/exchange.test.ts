import { describe, expect, it } from '@jest/globals';
import { Exchange, InvalidOptionError, NotBoundError, Queue } from '../../src/index.js';

describe('Exchange', () => {
  it('is direct, durable and kept unless told otherwise', () => {
    const exchange = new Exchange('media');
    expect(exchange).toMatchObject({
      name: 'media',
      type: 'direct',
      durable: true,
      autoDelete: false,
      deliveryMode: undefined,
      arguments: {},
      passive: false,
      noDeclare: false,
    });
  });

  it('is frozen, with its arguments, however deep', () => {
    const given = { nested: { list: [1, { a: 1 }] } };
    const exchange = new Exchange('media', { arguments: given });
    expect(Object.isFrozen(exchange)).toBe(true);
    given.nested.list.push(2);
    expect(exchange.arguments).toEqual({ nested: { list: [1, { a: 1 }] } });
    expect(() => {
      (exchange.arguments.nested as { list: unknown[] }).list.push(3);
    }).toThrow(TypeError);
  });

  it('takes a vendor type and leaves out null arguments', () => {
    const exchange = new Exchange('delayed', {
      type: 'x-delayed-message',
      arguments: { 'x-delayed-type': 'topic', nothing: null },
    });
    expect(exchange.type).toBe('x-delayed-message');
    expect(exchange.arguments).toEqual({ 'x-delayed-type': 'topic' });
  });

  it('keeps a __proto__ argument as data', () => {
    const exchange = new Exchange('x', { arguments: JSON.parse('{"__proto__": {"polluted": 1}}') });
    expect(Object.keys(exchange.arguments)).toEqual(['__proto__']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(exchange.arguments)).toBe(Object.prototype);
  });

  it('reads delivery modes by name and number', () => {
    expect(new Exchange('a', { deliveryMode: 'transient' }).deliveryMode).toBe(1);
    expect(new Exchange('a', { deliveryMode: 'persistent' }).deliveryMode).toBe(2);
    expect(new Exchange('a', { deliveryMode: 1 }).deliveryMode).toBe(1);
    expect(() => new Exchange('a', { deliveryMode: 3 as never })).toThrow(InvalidOptionError);
  });

  it('names the nearest option for one that it does not know', () => {
    expect(() => new Exchange('a', { durabel: true } as never)).toThrow("did you mean 'durable'?");
    expect(() => new Exchange('a', { durable: 'yes' } as never)).toThrow("'durable' must be true or false");
    expect(() => new Exchange(5 as never)).toThrow(InvalidOptionError);
    expect(() => new Exchange('a', { type: '' })).toThrow(InvalidOptionError);
  });

  it('refuses options that are none, such as the type as Python has it', () => {
    const make = () => new Exchange('media', 'topic' as never);
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow("Exchange 'media': options are an object, not a string");
  });

  it('equals what is declared in the same way, and nothing else', () => {
    const one = new Exchange('a', { type: 'topic', arguments: { x: 1 } });
    expect(one.equals(new Exchange('a', { type: 'topic', arguments: { x: 1 } }))).toBe(true);
    expect(one.equals(one)).toBe(true);
    expect(one.equals(new Exchange('a', { type: 'topic', arguments: { x: 2 } }))).toBe(false);
    expect(one.equals(new Exchange('a', { type: 'topic', arguments: { x: 1 }, durable: false }))).toBe(false);
    expect(one.equals(new Exchange('b', { type: 'topic', arguments: { x: 1 } }))).toBe(false);
    expect(one.equals(new Queue('a'))).toBe(false);
    expect(one.equals(undefined)).toBe(false);
  });

  it('goes through JSON and back', () => {
    const exchanges = [
      new Exchange(),
      new Exchange('a'),
      new Exchange('b', {
        type: 'headers',
        durable: false,
        autoDelete: true,
        deliveryMode: 'transient',
        arguments: { 'alternate-exchange': 'ae' },
        passive: true,
        noDeclare: true,
      }),
    ];
    for (const exchange of exchanges) {
      const back = Exchange.fromJSON(JSON.parse(JSON.stringify(exchange)));
      expect(back.equals(exchange)).toBe(true);
      expect(back).toEqual(exchange);
    }
    expect(JSON.stringify(new Exchange('a'))).toBe('{"name":"a","type":"direct"}');
    expect(() => Exchange.fromJSON({ name: 'a', typ: 'topic' } as never)).toThrow("did you mean 'type'?");
  });

  it('refuses broker operations until it is bound, also for callers without types', () => {
    const untyped = new Exchange('media') as unknown as Record<string, () => unknown>;
    for (const method of ['declare', 'delete', 'message', 'publish', 'bindTo', 'unbindFrom']) {
      expect(() => untyped[method]?.()).toThrow(NotBoundError);
      expect(() => untyped[method]?.()).toThrow("Exchange 'media' is not bound to a channel");
    }
  });
});
