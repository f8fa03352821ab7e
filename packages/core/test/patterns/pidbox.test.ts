import { describe, expect, it } from '@jest/globals';
import { type Connection, LamportClock, Mailbox, type Message, Queue } from '../../src/index.js';
import { matchesGlob } from '../../src/patterns/control/glob.js';
import { matches } from '../../src/patterns/control/matcher.js';
import { openMemory, settle, until } from '../support/memory.js';

async function withNodes(
  options: ConstructorParameters<typeof Mailbox>[1],
  names: readonly string[],
  test: (mailbox: Mailbox, connection: Connection) => Promise<void>,
): Promise<void> {
  const { connection } = openMemory();
  const own = connection.clone();
  for (const name of names) {
    const node = new Mailbox('ns', options).bind(own).node(name, {
      state: { name },
      handlers: {
        ping: () => 'pong',
        echo: async (state, args) => ({ ...(state as object), ...args }),
        nothing: () => undefined,
        fail: () => {
          throw new RangeError('too much');
        },
      },
    });
    await node.listen();
  }
  try {
    await test(new Mailbox('ns', options).bind(connection), connection);
  } finally {
    await Promise.all([connection.close(), own.close()]);
  }
}

const byName = (a: object, b: object) => ((Object.keys(a)[0] ?? '') < (Object.keys(b)[0] ?? '') ? -1 : 1);

describe('a mailbox', () => {
  const fanout = { type: 'fanout' };

  it('asks all nodes, and some', async () => {
    await withNodes(fanout, ['a', 'b', 'c'], async (mailbox) => {
      const all = await mailbox.multiCall('ping', {}, { limit: 3 });
      expect(all.toSorted(byName)).toEqual([{ a: 'pong' }, { b: 'pong' }, { c: 'pong' }]);
      const some = await mailbox.call(['a', 'c'], 'echo', { x: [1] });
      expect(some.toSorted(byName)).toEqual([{ a: { name: 'a', x: [1] } }, { c: { name: 'c', x: [1] } }]);
      expect(await mailbox.multiCall('nothing', undefined, { limit: 1, pattern: 'b*' })).toEqual([{ b: null }]);
      expect(await mailbox.multiCall('ping', {}, { limit: 1, pattern: '[c-d]$', matcher: 'pcre' })).toEqual([
        { c: 'pong' },
      ]);
    });
  });

  it('is over when no reply comes in time', async () => {
    await withNodes(fanout, ['a'], async (mailbox) => {
      const seen: unknown[] = [];
      const replies = await mailbox.call(['a', 'nobody'], 'ping', {}, { timeoutMs: 50, callback: (r) => seen.push(r) });
      expect(replies).toEqual([{ a: 'pong' }]);
      expect(seen).toEqual(replies);
      expect(await mailbox.call(['nobody'], 'ping', {}, { timeoutMs: 5 })).toEqual([]);
    });
  });

  it('asks many at once, each with its own replies', async () => {
    await withNodes(fanout, ['a', 'b'], async (mailbox) => {
      const calls = Array.from({ length: 20 }, (_, n) => mailbox.multiCall('echo', { n }, { limit: 2 }));
      for (const [n, replies] of (await Promise.all(calls)).entries()) {
        expect(replies.toSorted(byName)).toEqual([{ a: { name: 'a', n } }, { b: { name: 'b', n } }]);
      }
    });
  });

  it('says what failed', async () => {
    await withNodes(fanout, ['a'], async (mailbox) => {
      expect(await mailbox.call(['a'], 'fail')).toEqual([{ a: { error: 'RangeError: too much' } }]);
      const [reply] = await mailbox.call(['a'], 'constructor');
      expect(reply).toEqual({ a: { error: expect.stringContaining("no command 'constructor'") } });
      expect(await mailbox.call(['a'], 'ping')).toEqual([{ a: 'pong' }]);
    });
  });

  it('is aborted, and leaves no reply queue behind', async () => {
    await withNodes(fanout, [], async (mailbox, connection) => {
      const abort = new AbortController();
      const call = mailbox.multiCall('ping', {}, { signal: abort.signal, timeoutMs: 60_000 });
      await settle();
      abort.abort();
      await expect(call).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
      await expect(mailbox.multiCall('ping', {}, { signal: abort.signal })).rejects.toMatchObject({
        code: 'ERR_KOMBU_ABORTED',
      });
      expect(connection.state).toBe('connected');
    });
  });

  it('tells without waiting for a reply', async () => {
    const { connection } = openMemory();
    const mailbox = new Mailbox('cast', { type: 'fanout' }).bind(connection);
    const seen: string[] = [];
    for (const name of ['a', 'b']) {
      const node = mailbox.node(name);
      node.handler('note', (_state, args) => seen.push(`${name} ${args.text}`));
      await node.listen();
    }
    await mailbox.abcast('note', { text: '1' });
    await mailbox.cast(['b'], 'note', { text: '2' });
    await until(() => seen.length === 3);
    expect(seen.toSorted()).toEqual(['a 1', 'b 1', 'b 2']);
    await connection.close();
  });

  it('publishes over a pool, with the clock going on', async () => {
    const { connection } = openMemory();
    const { Producers } = await import('../../src/index.js');
    const producerPool = new Producers({ limit: 1 }).get(connection);
    const mailbox = new Mailbox('pooled', { producerPool, clock: new LamportClock(10) }).bind(connection);
    const node = new Mailbox('pooled').bind(connection).node('n', { handlers: { ping: () => 1 } });
    await node.listen();
    expect(await mailbox.call(['n'], 'ping')).toEqual([{ n: 1 }]);
    expect(node.mailbox.clock.value).toBe(13);
    expect(mailbox.clock.value).toBe(14);
    await producerPool.forceCloseAll();
    await connection.close();
  });

  it('refuses bad arguments', async () => {
    const { connection } = openMemory();
    expect(() => new Mailbox('')).toThrow('a namespace is needed');
    expect(() => new Mailbox('n', { kind: 'x' } as never)).toThrow("no option 'kind'");
    expect(() => new Mailbox('n', { queueExclusive: true, queueDurable: true })).toThrow('exclusive and durable');
    expect(() => new Mailbox('n').connection).toThrow('not bound');
    await expect(new Mailbox('n').bind(connection).cast('a' as never, 'ping')).rejects.toThrow('array of the names');
    await expect(new Mailbox('n').bind(connection).call(['a'], 'ping', {}, { limits: 1 } as never)).rejects.toThrow(
      "'limits'",
    );
    await connection.close();
  });
});

describe('a node', () => {
  async function node() {
    const { connection } = openMemory();
    const mailbox = new Mailbox('ns').bind(connection);
    const one = mailbox.node('n', { handlers: { ping: () => 'pong' } });
    return { connection, mailbox, node: one };
  }

  it('is not stopped by anything that it gets', async () => {
    const { connection, mailbox, node: one } = await node();
    await one.listen();
    const send = (body: unknown, options = {}) =>
      connection.producer().publish(body, { exchange: mailbox.exchange.name, ...options });
    const bad = [[], 'text', null, 7, {}, { method: 5 }, { method: 'ping', arguments: [1], destination: 'n' }];
    for (const body of bad) await send(body, { serializer: 'json' });
    await send('{', { contentType: 'application/json', contentEncoding: 'utf-8' });
    await send({}, { serializer: 'pickle' });
    await send({ method: 'ping', pattern: '(', matcher: 'pcre' });
    await send({ method: 'ping', pattern: 'x', matcher: 'unheard of' });
    await send({ method: 'ping', reply_to: { exchange: 'amq.nowhere', routing_key: 'gone' }, ticket: 't' });
    await send({ method: 'ping', reply_to: { exchange: 'reply.ns.pidbox', routing_key: 'gone' } });
    await send({ method: 'ping', reply_to: { exchange: 1 } });
    await send({ method: 'ping', arguments: JSON.parse('{"__proto__": {"polluted": 1}}') });
    expect(await mailbox.call(['n'], 'ping')).toEqual([{ n: 'pong' }]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    await connection.close();
  });

  it('is one of another name on another channel, and stops listening', async () => {
    const { connection, mailbox } = await node();
    const channel = connection.channel();
    const bodies: unknown[] = [];
    const consumer = await mailbox
      .node('m', { channel })
      .listen({ callback: (body: unknown, message: Message) => bodies.push(body, message.deliveryInfo.queue) });
    expect(consumer.channel).toBe(channel);
    await mailbox.cast(['m'], 'any', { a: 1 });
    await until(() => bodies.length === 2);
    expect(bodies).toEqual([
      { method: 'any', arguments: { a: 1 }, destination: ['m'], pattern: null, matcher: null },
      'm.ns.pidbox',
    ]);
    await consumer.close();
    await expect(new Queue('m.ns.pidbox').bind(connection).queueDeclare({ passive: true })).rejects.toMatchObject({
      code: 'ERR_KOMBU_NOT_FOUND',
    });
    await connection.close();
  });

  it('can be told by hand', async () => {
    const { connection, node: one } = await node();
    function named(): string {
      return 'by name';
    }
    one.handler(named);
    expect(one.handle('named')).toBe('by name');
    expect(await one.dispatch('ping')).toBe('pong');
    expect(await one.dispatchFromMessage({ method: 'ping' })).toBe('pong');
    const odd = { headers: { clock: { toString: 1, valueOf: 1 } } } as unknown as Message;
    expect(await one.handleMessage({ method: 'ping' }, odd)).toBe('pong');
    expect(await one.handleMessage({ method: 'ping', destination: ['other'] })).toBeUndefined();
    expect(await one.handleMessage({ method: 'ping', pattern: 'o*', matcher: 'glob' })).toBeUndefined();
    expect(() => one.handle('unknown')).toThrow('no command');
    expect(() => one.handler('x', undefined as never)).toThrow('a name and a function');
    await connection.close();
  });
});

describe('what is sent', () => {
  it('is what Python Kombu sends', async () => {
    const { connection } = openMemory();
    const mailbox = new Mailbox('testns').bind(connection);
    await mailbox.getQueue('host1').bind(connection).declare();
    const from = Date.now() / 1000;
    await mailbox.cast(['host1'], 'ping', { a: 1 });
    const message = await mailbox.getQueue('host1').bind(connection).get();
    expect(message?.body.toString()).toBe(
      '{"method":"ping","arguments":{"a":1},"destination":["host1"],"pattern":null,"matcher":null}',
    );
    expect(message?.headers).toEqual({ clock: 1, expires: expect.any(Number) });
    expect((message?.headers.expires as number) - from).toBeLessThan(5);
    expect(message?.properties).toMatchObject({ deliveryMode: 2, priority: 0 });
    expect(message?.deliveryInfo).toMatchObject({ exchange: 'testns.pidbox', routingKey: '' });
    await connection.close();
  });

  it('goes through entities that are what Python Kombu declares', () => {
    const mailbox = new Mailbox('testns');
    const exchange = {
      name: 'testns.pidbox',
      type: 'direct',
      arguments: null,
      durable: false,
      passive: false,
      auto_delete: false,
      delivery_mode: 1,
      no_declare: null,
    };
    const queue = {
      durable: false,
      exclusive: false,
      auto_delete: true,
      no_ack: false,
      expires: null,
      message_ttl: null,
      max_length: null,
      max_priority: null,
    };
    expect(mailbox.getQueue('host1').toDict()).toMatchObject({
      ...queue,
      name: 'host1.testns.pidbox',
      exchange,
      routing_key: '',
    });
    const oid = 'd12f6720-3613-3085-b8b5-9d6f73984145';
    expect(mailbox.getReplyQueue(oid).toDict()).toMatchObject({
      ...queue,
      name: `${oid}.reply.testns.pidbox`,
      exchange: { ...exchange, name: 'reply.testns.pidbox' },
      routing_key: oid,
      expires: 10,
    });
    expect(mailbox.getReplyQueue().routingKey).toBe(mailbox.oid);
    const own = new Mailbox('x', { queueExclusive: true, queueTtlMs: 300_000, queueExpiresMs: 10_000 }).getQueue('h');
    expect([own.exclusive, own.messageTtlMs, own.expiresMs]).toEqual([true, 300_000, 10_000]);
    expect(new Mailbox('x', { queueDurable: true }).getReplyQueue().durable).toBe(true);
  });
});

describe('matchers', () => {
  it.each([
    ['worker1@host', 'worker?@*', true],
    ['worker12@host', 'worker?@*', false],
    ['abc', '*', true],
    ['', '*', true],
    ['', '', true],
    ['abc', 'a*c*', true],
    ['abc', 'ab', false],
    ['b1', '[a-c][0-9]', true],
    ['d1', '[!a-c]?', true],
    ['b1', '[!a-c]?', false],
    [']', '[]]', true],
    ['[x', '[x', true],
    ['a-b', 'a[-x]b', true],
    ['a.b', 'a.b', true],
    ['axb', 'a.b', false],
  ])('%p against the shell pattern %p: %p', (name, pattern, expected) => {
    expect(matchesGlob(name, pattern)).toBe(expected);
  });

  it('regular expressions are held against the beginning', () => {
    expect(matches('worker1', 'work', 'pcre')).toBe(true);
    expect(matches('my-worker', 'work', 'pcre')).toBe(false);
    expect(matches('w1', 'a|w', 'pcre')).toBe(true);
    expect(matches('w1', '(?P<letter>w)(?P<number>\\d)$', 'pcre')).toBe(true);
  });

  it('are bounded in time, whatever the pattern is', () => {
    const name = `${'a'.repeat(60)}!`;
    const from = performance.now();
    expect(matches(name, '(a+)+$', 'pcre')).toBe(false);
    expect(matches(name, `${'*a'.repeat(60)}b`, 'glob')).toBe(false);
    expect(performance.now() - from).toBeLessThan(2000);
  });

  it('must be known, and patterns be patterns', () => {
    expect(() => matches('x', 'y', 'sql')).toThrow("no matcher 'sql'");
    expect(() => matches('x', '(', 'pcre')).toThrow('no regular expression');
    expect(() => matches('x', 'a'.repeat(1001), 'glob')).toThrow('longer than 1000');
  });
});
