import { afterEach, describe, expect, it } from '@jest/globals';
import { createMemoryTransport } from '../../src/memory/memory.js';
import {
  brokers,
  closeAll,
  collect,
  connect,
  drain,
  exchange,
  failure,
  message,
  queue,
  to,
  until,
} from './support/level1.js';

afterEach(closeAll);

describe.each(brokers)('declaring on %s', (_name, start) => {
  it('declares idempotently and reports counts', async () => {
    const { channel } = await connect(start().transport);
    expect(await channel.declareQueue(queue('q'))).toEqual({ queue: 'q', messageCount: 0, consumerCount: 0 });
    await channel.publish(message('a'), to('', 'q'));
    await channel.publish(message('b'), to('', 'q'));
    expect(await channel.declareQueue(queue('q'))).toEqual({ queue: 'q', messageCount: 2, consumerCount: 0 });
    await collect(channel, 'q', { prefetch: 1 });
    expect((await channel.declareQueue(queue('q'))).consumerCount).toBe(1);
  });

  it('names a queue itself when it has no name', async () => {
    const { channel } = await connect(start().transport);
    const one = await channel.declareQueue(queue(''));
    const two = await channel.declareQueue(queue(''));
    expect(one.queue).toMatch(/^amq\.gen-/);
    expect(one.queue).not.toBe(two.queue);
    await channel.publish(message('a'), to('', one.queue));
    expect(await drain(channel, one.queue)).toEqual(['a']);
  });

  it('refuses a passive declaration of what is not there', async () => {
    const { channel } = await connect(start().transport);
    expect((await failure(channel.declareQueue(queue('nope', { passive: true })))).code).toBe('ERR_KOMBU_NOT_FOUND');
    expect((await failure(channel.declareExchange(exchange('nope', 'direct', { passive: true })))).code).toBe(
      'ERR_KOMBU_NOT_FOUND',
    );
    await channel.declareQueue(queue('q'));
    await channel.declareExchange(exchange('x'));
    expect((await channel.declareQueue(queue('q', { passive: true }))).queue).toBe('q');
    await channel.declareExchange(exchange('x', 'direct', { passive: true }));
    await channel.declareExchange(exchange('amq.topic', 'topic', { passive: true }));
  });

  it('refuses another declaration of the same name', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q', { arguments: { 'x-max-length': 5 } }));
    await channel.declareQueue(queue('q', { arguments: { 'x-max-length': 5, 'x-expires': undefined } }));
    const another = [
      queue('q'),
      queue('q', { arguments: { 'x-max-length': 6 } }),
      queue('q', { arguments: { 'x-max-length': 5 }, durable: false }),
      queue('q', { arguments: { 'x-max-length': 5 }, autoDelete: true }),
    ];
    for (const spec of another) {
      expect((await failure(channel.declareQueue(spec))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    }
    await channel.declareExchange(exchange('x', 'topic'));
    for (const spec of [exchange('x', 'direct'), exchange('x', 'topic', { durable: false })]) {
      expect((await failure(channel.declareExchange(spec))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    }
    const said = async (spec: ReturnType<typeof queue>) => (await failure(channel.declareQueue(spec))).message;
    expect(await said(queue('q'))).toBe(
      "queue 'q' was declared with another argument 'x-max-length': 5 before, none now",
    );
    expect(await said(queue('q', { arguments: { 'x-max-length': 5 }, durable: false }))).toBe(
      "queue 'q' was declared with another 'durable': true before, false now",
    );
  });

  it('refuses reserved names, unknown exchange types and senseless arguments', async () => {
    const { channel } = await connect(start().transport);
    expect((await failure(channel.declareExchange(exchange('amq.mine')))).code).toBe('ERR_KOMBU_ACCESS_REFUSED');
    expect((await failure(channel.declareQueue(queue('amq.mine')))).code).toBe('ERR_KOMBU_ACCESS_REFUSED');
    expect((await failure(channel.declareExchange(exchange('x', 'x-odd')))).code).toBe('ERR_KOMBU_NOT_SUPPORTED');
    for (const args of [
      { 'x-message-ttl': -1 },
      { 'x-expires': 0 },
      { 'x-max-length': 'many' },
      { 'x-dead-letter-exchange': 3 },
    ]) {
      const error = await failure(channel.declareQueue(queue('bad', { arguments: args })));
      expect([error.code, error.message]).toEqual(['ERR_KOMBU_PRECONDITION_FAILED', expect.stringContaining('bad')]);
    }
    const overflow = queue('q', { arguments: { 'x-overflow': 'reject-publish' } });
    expect((await failure(channel.declareQueue(overflow))).code).toBe('ERR_KOMBU_NOT_SUPPORTED');
  });

  it('declares in one connection and publishes in another', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareExchange(exchange('x'));
    await a.channel.declareQueue(queue('q'));
    await a.channel.bindQueue({ queue: 'q', exchange: 'x', routingKey: 'k', arguments: {} });
    await b.channel.publish(message('over'), to('x', 'k'));
    expect(await drain(a.channel, 'q')).toEqual(['over']);
  });

  it('binds only what is there', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    const bind = { queue: 'q', exchange: 'x', routingKey: 'k', arguments: {} };
    expect((await failure(channel.bindQueue(bind))).code).toBe('ERR_KOMBU_NOT_FOUND');
    await channel.declareExchange(exchange('x'));
    expect((await failure(channel.bindQueue({ ...bind, queue: 'nope' }))).code).toBe('ERR_KOMBU_NOT_FOUND');
    expect((await failure(channel.bindQueue({ ...bind, exchange: '' }))).code).toBe('ERR_KOMBU_ACCESS_REFUSED');
    await channel.bindQueue(bind);
    await channel.bindQueue({ ...bind, exchange: 'amq.topic', routingKey: 'a.#' });
    await channel.publish(message('standing'), to('amq.topic', 'a.b.c'));
    expect(await drain(channel, 'q')).toEqual(['standing']);
  });

  it('deletes with conditions', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    await channel.publish(message('a'), to('', 'q'));
    expect((await failure(channel.deleteQueue('q', { ifEmpty: true }))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    const { tag, got } = await collect(channel, 'q', { prefetch: 1 });
    await until('it is there', () => got.length === 1);
    expect((await failure(channel.deleteQueue('q', { ifUnused: true }))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    await channel.cancel(tag);
    for (const one of got) await channel.settle(one, 'requeue', { confirm: true });
    expect(await channel.purgeQueue('q')).toBe(1);
    await channel.publish(message('b'), to('', 'q'));
    expect(await channel.deleteQueue('q')).toBe(1);
    expect(await channel.deleteQueue('q')).toBe(0);
    expect((await failure(channel.purgeQueue('q'))).code).toBe('ERR_KOMBU_NOT_FOUND');
    await channel.declareExchange(exchange('x'));
    await channel.declareQueue(queue('q'));
    await channel.bindQueue({ queue: 'q', exchange: 'x', routingKey: '', arguments: {} });
    expect((await failure(channel.deleteExchange('x', { ifUnused: true }))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    await channel.deleteExchange('x');
    await channel.deleteExchange('x');
    expect((await failure(channel.publish(message('a'), to('x', '')))).code).toBe('ERR_KOMBU_NOT_FOUND');
  });

  it('leaves a queue alone that it was refused to make exclusive, also when it closes', async () => {
    const { transport } = start();
    const one = await connect(transport);
    const other = await connect(transport);
    await one.channel.declareQueue(queue('shared'));
    await one.channel.publish(message('kept'), to('', 'shared'));
    const refused = await failure(other.channel.declareQueue(queue('shared', { exclusive: true })));
    expect(refused.code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    await other.connection.close();
    expect(await drain(one.channel, 'shared')).toEqual(['kept']);
  });

  it('keeps an exclusive queue to its connection and deletes it with that', async () => {
    const { transport } = start();
    const [mine, other] = [await connect(transport), await connect(transport)];
    await mine.channel.declareQueue(queue('mine', { exclusive: true }));
    await mine.channel.declareQueue(queue('mine', { exclusive: true }));
    const attempts = [
      () => other.channel.declareQueue(queue('mine', { exclusive: true })),
      () => other.channel.declareQueue(queue('mine', { passive: true })),
      () => collect(other.channel, 'mine'),
      () => other.channel.get('mine'),
      () => other.channel.purgeQueue('mine'),
      () => other.channel.deleteQueue('mine'),
    ];
    for (const attempt of attempts) expect((await failure(attempt)).code).toBe('ERR_KOMBU_RESOURCE_LOCKED');
    await other.channel.publish(message('anybody may send'), to('', 'mine'));
    expect(await drain(mine.channel, 'mine')).toEqual(['anybody may send']);
    await mine.connection.close();
    expect((await failure(other.channel.declareQueue(queue('mine', { passive: true })))).code).toBe(
      'ERR_KOMBU_NOT_FOUND',
    );
  });

  it('deletes an auto-delete queue with its last consumer, and an auto-delete exchange with its last binding', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareExchange(exchange('x', 'direct', { autoDelete: true }));
    await a.channel.declareExchange(exchange('source', 'direct', { autoDelete: true }));
    await a.channel.bindExchange?.({ source: 'source', destination: 'x', routingKey: '', arguments: {} });
    await a.channel.declareQueue(queue('auto', { autoDelete: true }));
    await a.channel.bindQueue({ queue: 'auto', exchange: 'x', routingKey: '', arguments: {} });
    const one = await collect(a.channel, 'auto');
    const two = await collect(b.channel, 'auto');
    await a.channel.cancel(one.tag);
    await a.channel.declareQueue(queue('auto', { passive: true }));
    await b.channel.cancel(two.tag);
    expect((await failure(a.channel.declareQueue(queue('auto', { passive: true })))).code).toBe('ERR_KOMBU_NOT_FOUND');
    for (const name of ['x', 'source']) {
      const passive = exchange(name, 'direct', { passive: true });
      expect((await failure(a.channel.declareExchange(passive))).code).toBe('ERR_KOMBU_NOT_FOUND');
    }
  });
});

describe('a queue with x-expires', () => {
  it('is deleted when nobody has used it for that long, and not while it is consumed from', async () => {
    const { channel } = await connect(createMemoryTransport());
    await channel.declareQueue(queue('brief', { arguments: { 'x-expires': 30 } }));
    await channel.publish(message('left behind'), to('', 'brief'));
    const { tag, got } = await collect(channel, 'brief', { prefetch: 1 });
    await until('it is delivered', () => got.length === 1);
    const gone = (): Promise<boolean> =>
      failure(channel.publish(message(''), to('', 'brief', true))).then(
        (error) => error.code === 'ERR_KOMBU_NO_ROUTE',
        () => false,
      );
    const begun = performance.now();
    await until('several times of it have passed', () => performance.now() - begun > 120);
    expect(await gone()).toBe(false);
    await channel.cancel(tag);
    await until('it is gone', gone);
    expect(performance.now() - begun).toBeLessThan(4000);
  });
});
