import { describe, expect, it } from '@jest/globals';
import { binding, Exchange, InvalidOptionError, Queue } from '../../src/index.js';

describe('Queue.fromDict', () => {
  it("reads Kombu's own names, with durations in seconds", () => {
    const queue = Queue.fromDict('video', {
      exchange: 'media',
      exchange_type: 'topic',
      binding_key: 'video.#',
      exchange_arguments: { e: 1 },
      delivery_mode: 'transient',
      queue_arguments: { q: 1 },
      binding_arguments: { b: 1 },
      consumer_arguments: { 'x-priority': 3 },
      expires: 20,
      message_ttl: 30.5,
      max_length: 1000,
      max_length_bytes: 2000,
      max_priority: 10,
      no_ack: true,
      alias: 'v',
    });
    const expected = new Queue('video', {
      exchange: new Exchange('media', { type: 'topic', arguments: { e: 1 }, deliveryMode: 1 }),
      routingKey: 'video.#',
      queueArguments: { q: 1 },
      bindingArguments: { b: 1 },
      consumerArguments: { 'x-priority': 3 },
      expiresMs: 20_000,
      messageTtlMs: 30_500,
      maxLength: 1000,
      maxLengthBytes: 2000,
      maxPriority: 10,
      noAck: true,
      alias: 'v',
    });
    expect(queue.equals(expected)).toBe(true);
  });

  it('lets durable and auto_delete hold for queue and exchange unless one of them says otherwise', () => {
    const both = Queue.fromDict('q', { exchange: 'x', durable: false, auto_delete: true });
    expect(both).toMatchObject({ durable: false, autoDelete: true });
    expect(both.exchange).toMatchObject({ durable: false, autoDelete: true });
    const apart = Queue.fromDict('q', {
      exchange: 'x',
      durable: false,
      queue_durable: true,
      auto_delete: true,
      exchange_auto_delete: false,
    });
    expect(apart).toMatchObject({ durable: true, autoDelete: true });
    expect(apart.exchange).toMatchObject({ durable: false, autoDelete: false });
  });

  it('takes null for not given, and routing_key where there is no binding_key', () => {
    const queue = Queue.fromDict('q', {
      exchange: 'x',
      routing_key: 'rk',
      binding_key: null,
      expires: null,
      durable: null,
    });
    expect(queue).toMatchObject({ routingKey: 'rk', durable: true, expiresMs: undefined });
  });

  it('refuses a name that it does not know, and a duration that is none', () => {
    expect(() => Queue.fromDict('q', { routing_keys: 'x' } as never)).toThrow("did you mean 'routing_key'?");
    expect(() => Queue.fromDict('q', { routingKey: 'x' } as never)).toThrow(InvalidOptionError);
    expect(() => Queue.fromDict('q', { expires: 'soon' as never })).toThrow(InvalidOptionError);
    expect(() => Queue.fromDict('q', { exchange: { nam: 'x' } as never })).toThrow("did you mean 'name'?");
  });

  it('reads what toDict gives', () => {
    const queue = new Queue('q', {
      exchange: new Exchange('x', { type: 'headers', deliveryMode: 2 }),
      routingKey: 'k',
      bindings: [binding(new Exchange('y', { type: 'fanout' }), { routingKey: 'z', arguments: { a: 1 } })],
      messageTtlMs: 1500,
      exclusive: true,
      noDeclare: true,
    });
    const { name, ...options } = JSON.parse(JSON.stringify(queue.toDict()));
    expect(Queue.fromDict(name, options).equals(queue)).toBe(true);
  });
});

describe('Queue.toDict', () => {
  it("has every member of Kombu's as_dict, with its units", () => {
    const queue = new Queue('x', {
      exchange: 'media',
      expiresMs: 20_000,
      messageTtlMs: 30_500,
      maxLength: 1000,
      maxLengthBytes: 2000,
      maxPriority: 10,
    });
    expect(queue.toDict()).toEqual({
      name: 'x',
      exchange: {
        name: 'media',
        type: 'direct',
        arguments: null,
        durable: true,
        passive: false,
        auto_delete: false,
        delivery_mode: null,
        no_declare: null,
      },
      routing_key: '',
      queue_arguments: null,
      binding_arguments: null,
      consumer_arguments: null,
      durable: true,
      exclusive: false,
      auto_delete: false,
      no_ack: false,
      alias: null,
      bindings: [],
      no_declare: null,
      expires: 20,
      message_ttl: 30.5,
      max_length: 1000,
      max_length_bytes: 2000,
      max_priority: 10,
    });
  });
});
