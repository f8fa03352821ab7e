import { describe, expect, it } from '@jest/globals';
import { binding, Exchange, InvalidOptionError, NotBoundError, Queue } from '../../src/index.js';

const media = new Exchange('media', { type: 'topic' });

describe('Queue', () => {
  it('is durable, shared and kept, on the default exchange, unless told otherwise', () => {
    const queue = new Queue('video');
    expect(queue).toMatchObject({
      name: 'video',
      routingKey: '',
      bindings: [],
      durable: true,
      exclusive: false,
      autoDelete: false,
      noDeclare: false,
      noAck: false,
      alias: undefined,
    });
    expect(queue.exchange.name).toBe('');
    expect(queue.toSpec().arguments).toEqual({});
  });

  it('takes the name of an exchange for the direct exchange of that name', () => {
    const { exchange } = new Queue('video', { exchange: 'media' });
    expect(exchange.equals(new Exchange('media', { type: 'direct' }))).toBe(true);
    expect(() => new Queue('video', { exchange: 5 as never })).toThrow(InvalidOptionError);
  });

  it('goes away with its connection when it is exclusive', () => {
    expect(new Queue('q', { exclusive: true }).autoDelete).toBe(true);
    expect(new Queue('q', { exclusive: true, autoDelete: false }).autoDelete).toBe(true);
  });

  it('turns its limits into x-arguments, over those that are given', () => {
    const queue = new Queue('q', {
      expiresMs: 20_000,
      messageTtlMs: 30_500.9,
      maxLength: 1000,
      maxLengthBytes: 2000,
      maxPriority: 10,
      queueArguments: { 'x-max-length': 5, 'x-queue-type': 'classic', unset: null },
    });
    expect(queue.toSpec().arguments).toEqual({
      'x-expires': 20_000,
      'x-message-ttl': 30_500,
      'x-max-length': 1000,
      'x-max-length-bytes': 2000,
      'x-max-priority': 10,
      'x-queue-type': 'classic',
    });
    expect(queue.queueArguments).toEqual({ 'x-max-length': 5, 'x-queue-type': 'classic' });
  });

  it('refuses values that make no sense, and names them', () => {
    const wrong: [object, string][] = [
      [{ expiresMs: 0 }, 'expiresMs'],
      [{ expiresMs: 0.5 }, 'expiresMs'],
      [{ messageTtlMs: -1 }, 'messageTtlMs'],
      [{ messageTtlMs: Number.NaN }, 'messageTtlMs'],
      [{ maxLength: 1.5 }, 'maxLength'],
      [{ maxLengthBytes: '5' }, 'maxLengthBytes'],
      [{ maxPriority: 256 }, 'maxPriority'],
      [{ bindings: [{}] }, 'bindings'],
      [{ onDeclared: 'yes' }, 'onDeclared'],
      [{ queueArguments: [] }, 'queueArguments'],
      [{ routingKey: 7 }, 'routingKey'],
      [{ alias: 7 }, 'alias'],
    ];
    for (const [options, name] of wrong) {
      expect(() => new Queue('q', options as never)).toThrow(InvalidOptionError);
      expect(() => new Queue('q', options as never)).toThrow(`'${name}'`);
    }
    expect(() => new Queue('q', { expires: 5 } as never)).toThrow("did you mean 'expiresMs'?");
  });

  it('takes the arguments of its limits from zero on', () => {
    const queue = new Queue('q', { messageTtlMs: 0, maxLength: 0, maxLengthBytes: 0, maxPriority: 0 });
    expect(queue.toSpec().arguments).toEqual({
      'x-message-ttl': 0,
      'x-max-length': 0,
      'x-max-length-bytes': 0,
      'x-max-priority': 0,
    });
  });

  it('is frozen', () => {
    const queue = new Queue('q', { bindings: [binding('a')], bindingArguments: { a: { b: 1 } } });
    expect(Object.isFrozen(queue)).toBe(true);
    expect(Object.isFrozen(queue.bindings)).toBe(true);
    expect(Object.isFrozen(queue.bindings[0])).toBe(true);
    expect(Object.isFrozen(queue.bindingArguments.a)).toBe(true);
    expect(Object.isFrozen(queue.toSpec())).toBe(true);
  });

  it('equals what is declared in the same way; onDeclared does not count', () => {
    const make = (over: object = {}) =>
      new Queue('q', { exchange: media, routingKey: 'a.#', bindings: [binding('b', { routingKey: 'k' })], ...over });
    expect(make().equals(make())).toBe(true);
    expect(make().equals(make({ onDeclared: () => {} }))).toBe(true);
    expect(make().equals(make({ routingKey: 'b.#' }))).toBe(false);
    expect(make().equals(make({ bindings: [] }))).toBe(false);
    expect(make().equals(make({ exchange: new Exchange('media') }))).toBe(false);
    expect(make().equals(make({ queueArguments: { x: 1 } }))).toBe(false);
    expect(make({ exclusive: true }).equals(make({ exclusive: true, autoDelete: true }))).toBe(true);
    expect(make().equals(media)).toBe(false);
  });

  it('goes through JSON and back', () => {
    const queues = [
      new Queue(),
      new Queue('plain'),
      new Queue('transient-default', { exchange: new Exchange('', { deliveryMode: 1 }) }),
      new Queue('all', {
        exchange: media,
        routingKey: 'a.#',
        bindings: [
          binding(media, { routingKey: 'b', arguments: { x: 1 }, unbindArguments: { y: 2 } }),
          binding('other'),
        ],
        durable: false,
        exclusive: true,
        expiresMs: 1000,
        messageTtlMs: 2000,
        maxLength: 3,
        maxLengthBytes: 4,
        maxPriority: 5,
        queueArguments: { a: [1, 2] },
        bindingArguments: { b: { c: 'd' } },
        consumerArguments: { 'x-priority': 10 },
        noDeclare: true,
        noAck: true,
        alias: 'everything',
      }),
    ];
    for (const queue of queues) {
      const back = Queue.fromJSON(JSON.parse(JSON.stringify(queue)));
      expect(back.equals(queue)).toBe(true);
      expect(back).toEqual(queue);
    }
    expect(JSON.stringify(new Queue('plain'))).toBe('{"name":"plain"}');
    expect(Queue.fromJSON({ name: 'q', exchange: 'media' }).exchange.name).toBe('media');
    expect(() => Queue.fromJSON({ name: 'q', routing_key: 'x' } as never)).toThrow("did you mean 'routingKey'?");
  });

  it('can be remembered as declared unless it, or an exchange of it, may go away by itself', () => {
    expect(new Queue('q').canCacheDeclaration).toBe(true);
    expect(new Queue('').canCacheDeclaration).toBe(false);
    expect(new Queue('q', { autoDelete: true }).canCacheDeclaration).toBe(false);
    expect(new Queue('q', { exclusive: true }).canCacheDeclaration).toBe(false);
    expect(new Queue('q', { expiresMs: 1000 }).canCacheDeclaration).toBe(false);
    expect(new Queue('q', { queueArguments: { 'x-expires': 1000 } }).canCacheDeclaration).toBe(false);
    const fleeting = new Exchange('x', { autoDelete: true });
    expect(fleeting.canCacheDeclaration).toBe(false);
    expect(new Queue('q', { exchange: fleeting }).canCacheDeclaration).toBe(false);
    expect(new Queue('q', { bindings: [binding(fleeting)] }).canCacheDeclaration).toBe(false);
  });

  it('refuses broker operations until it is bound, also for callers without types', () => {
    const untyped = new Queue('video') as unknown as Record<string, () => unknown>;
    const methods = 'declare queueDeclare queueBind queueUnbind get consume cancel purge delete bindTo unbindFrom';
    for (const method of methods.split(' ')) {
      expect(() => untyped[method]?.()).toThrow(NotBoundError);
      expect(() => untyped[method]?.()).toThrow("Queue 'video' is not bound to a channel");
    }
  });
});

describe('binding', () => {
  it('takes an exchange or its name, a key and arguments', () => {
    const one = binding(media, { routingKey: 'a.*', arguments: { x: 1 } });
    expect(one.exchange).toBe(media);
    expect(one).toMatchObject({ routingKey: 'a.*', arguments: { x: 1 }, unbindArguments: { x: 1 } });
    expect(binding('other').exchange.name).toBe('other');
    expect(media.binding({ routingKey: 'k' })).toMatchObject({ exchange: media, routingKey: 'k' });
  });

  it('refuses what it does not know', () => {
    expect(() => binding('x', { routingkey: 'a' } as never)).toThrow("did you mean 'routingKey'?");
    expect(() => binding(undefined as never)).toThrow(InvalidOptionError);
  });
});
