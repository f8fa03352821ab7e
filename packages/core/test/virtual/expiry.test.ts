import { afterEach, describe, expect, it } from '@jest/globals';
import type { Arguments } from '../../src/transport/channel.js';
import type { Delivery } from '../../src/transport/delivery.js';
import type { Death } from '../../src/virtual/x-death.js';
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
  text,
  textTransport,
  to,
  until,
} from './support/level1.js';
import { TextStore } from './support/text-store.js';

afterEach(closeAll);

const DLX: Arguments = { 'x-dead-letter-exchange': 'dlx', 'x-dead-letter-routing-key': 'dead' };

async function pause(ms: number): Promise<void> {
  const begun = performance.now();
  await until('time has passed', () => performance.now() - begun > ms);
}

describe.each(brokers)('expiry and dead-lettering on %s', (name, start) => {
  async function open(args: Arguments = {}) {
    const { transport } = start();
    const { channel, warnings, told } = await connect(transport);
    await channel.declareExchange(exchange('dlx'));
    await channel.declareQueue(queue('dead'));
    await channel.bindQueue({ queue: 'dead', exchange: 'dlx', routingKey: 'dead', arguments: {} });
    await channel.declareExchange(exchange('x', 'topic'));
    await channel.declareQueue(queue('q', { arguments: args }));
    await channel.bindQueue({ queue: 'q', exchange: 'x', routingKey: '#', arguments: {} });
    return { transport, channel, warnings, told };
  }
  const expiring = (body: string, expiration: string) => message(body, { properties: { expiration, priority: 0 } });
  const deaths = (delivery: Delivery | undefined): Death[] => delivery?.headers['x-death'] as Death[];

  it('delivers no message that has expired', async () => {
    const { channel } = await open();
    await channel.publish(expiring('short', '20'), to('x', 'k'));
    await channel.publish(expiring('long', '60000'), to('x', 'k'));
    await channel.publish(expiring('not at all', '0'), to('x', 'k'));
    await pause(40);
    const { got, texts } = await collect(channel, 'q');
    await until('the other comes', () => got.length === 1);
    expect(texts()).toEqual(['long']);
    expect(got[0]?.properties.expiration).toBe('60000');
    await until('the expired ones are gone', async () => (await channel.declareQueue(queue('q'))).messageCount === 0);
  });

  it('lets messages of a queue with a TTL expire, whichever of both is first', async () => {
    const { channel } = await open({ 'x-message-ttl': 50 });
    await channel.publish(message('by the queue'), to('x', 'k'));
    await channel.publish(expiring('by itself', '10'), to('x', 'k'));
    await channel.publish(expiring('by the queue too', '60000'), to('', 'q'));
    await pause(70);
    expect(await channel.get('q')).toBeUndefined();
  });

  it('dead-letters what expires, also when nobody consumes', async () => {
    const { channel } = await open({ ...DLX, 'x-message-ttl': 60_000 });
    await channel.publish(expiring('expired', '25'), to('x', 'some.key'));
    const { got } = await collect(channel, 'dead');
    await until('it is dead', () => got.length === 1);
    expect([text(got[0]), got[0]?.exchange, got[0]?.routingKey, got[0]?.redelivered]).toEqual([
      'expired',
      'dlx',
      'dead',
      false,
    ]);
    expect(got[0]?.properties).not.toHaveProperty('expiration');
    expect(deaths(got[0])).toEqual([
      {
        count: 1,
        exchange: 'x',
        queue: 'q',
        reason: 'expired',
        'routing-keys': ['some.key'],
        time: expect.any(Number),
        'original-expiration': '25',
      },
    ]);
    expect(Math.abs((deaths(got[0])[0]?.time ?? 0) - Date.now() / 1000)).toBeLessThan(5);
    expect(got[0]?.headers).toMatchObject({
      'x-first-death-exchange': 'x',
      'x-first-death-queue': 'q',
      'x-first-death-reason': 'expired',
    });
  });

  it('dead-letters what is rejected, and counts its deaths', async () => {
    const { channel } = await open(DLX);
    await channel.publish(message('bad', { headers: { own: 'kept' } }), to('x', 'k'));
    for (let i = 1; i <= 3; i++) {
      const one = await channel.get('q');
      await channel.settle(one as Delivery, 'reject', { confirm: true });
      const dead = (await channel.get('dead')) as Delivery;
      expect(deaths(dead)).toMatchObject([{ queue: 'q', reason: 'rejected', count: i, exchange: i === 1 ? 'x' : 'x' }]);
      expect(dead.headers.own).toBe('kept');
      // A consumer that gives it another try.
      await channel.publish({ ...wire(dead) }, to('x', 'k'));
      await channel.settle(dead, 'ack', { confirm: true });
    }
    const all = await channel.get('q');
    expect(deaths(all).length).toBe(1);
    await channel.settle(all as Delivery, 'ack');
  });

  it('dead-letters messages whose earlier deaths say nonsense', async () => {
    const { channel, warnings } = await connect(start().transport);
    await channel.declareQueue(queue('dead'));
    const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };
    await channel.declareQueue(queue('q', { arguments: args }));
    const nonsense: unknown[] = [{ toString: 1, valueOf: 1 }, 'seven', null, { n: 1 }, Number.MAX_VALUE, '3'];
    for (const count of nonsense) {
      const headers = { 'x-death': [{ queue: 'q', reason: 'rejected', count }, 7, null] };
      await channel.publish(message('m', { headers }), to('', 'q'));
    }
    const { got } = await collect(channel, 'q', { handle: (delivery) => void channel.settle(delivery, 'reject') });
    await until('all came', () => got.length === nonsense.length);
    const dead = await collect(channel, 'dead');
    await until('all are dead', () => dead.got.length === nonsense.length);
    const counts = dead.got.map(({ headers }) => (headers['x-death'] as { count: unknown }[])[0]?.count);
    expect(counts).toEqual([1, 1, 1, 1, Number.MAX_VALUE, 4]);
    expect(warnings).toEqual([]);
  });

  it('drops what is rejected where there is no dead-letter exchange', async () => {
    const { channel } = await open();
    await channel.publish(message('bad'), to('x', 'k'));
    await channel.settle((await channel.get('q')) as Delivery, 'reject', { confirm: true });
    expect(await channel.get('q')).toBeUndefined();
    expect(await channel.get('dead')).toBeUndefined();
  });

  it('drops from the head above the maximum length, and dead-letters that', async () => {
    const { channel } = await open({ ...DLX, 'x-max-length': 2 });
    for (const body of ['1', '2', '3', '4', '5']) await channel.publish(message(body), to('x', 'k'));
    const { got } = await collect(channel, 'dead');
    await until('three are dead', () => got.length === 3);
    expect(got.map(text)).toEqual(['1', '2', '3']);
    expect(deaths(got[0])).toMatchObject([{ queue: 'q', reason: 'maxlen', count: 1 }]);
    expect(await drain(channel, 'q')).toEqual(['4', '5']);
  });

  it('counts bytes of bodies', async () => {
    const { channel } = await open({ 'x-max-length-bytes': 10 });
    for (const body of ['aaaa', 'bbbb', 'cccc', 'much too long for it'])
      await channel.publish(message(body), to('x', 'k'));
    expect(await drain(channel, 'q')).toEqual([]);
    for (const body of ['aaaa', 'bbbb', 'cccc']) await channel.publish(message(body), to('x', 'k'));
    expect(await drain(channel, 'q')).toEqual(['bbbb', 'cccc']);
  });

  it('uses the original routing key where no other is given', async () => {
    const { channel } = await open({ 'x-dead-letter-exchange': 'dlx' });
    await channel.declareQueue(queue('by key'));
    await channel.bindQueue({ queue: 'by key', exchange: 'dlx', routingKey: 'orig.key', arguments: {} });
    await channel.publish(message('m'), to('x', 'orig.key'));
    await channel.settle((await channel.get('q')) as Delivery, 'reject', { confirm: true });
    expect(await drain(channel, 'by key')).toEqual(['m']);
  });

  it('drops a message that expires in a circle, and keeps one that was rejected in it', async () => {
    const { channel } = await open({
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'back',
      'x-message-ttl': 20,
    });
    await channel.declareQueue(
      queue('back', { arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'q' } }),
    );
    await channel.publish(message('m'), to('', 'q'));
    const back = await poll(channel.get.bind(channel), 'back');
    // Rejected: it may go round.
    await channel.settle(back, 'reject', { confirm: true });
    const again = await poll(channel.get.bind(channel), 'back');
    expect(deaths(again).map((death) => [death.queue, death.reason, death.count])).toEqual([
      ['q', 'expired', 2],
      ['back', 'rejected', 1],
    ]);
    await channel.settle(again, 'ack', { confirm: true });
    await channel.declareQueue(
      queue('self', {
        arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'self', 'x-message-ttl': 15 },
      }),
    );
    await channel.publish(message('m'), to('', 'self'));
    await until(
      'it is gone',
      async () => (await channel.declareQueue(queue('self', { passive: true }))).messageCount === 0,
    );
    await pause(50);
    expect(await channel.get('self')).toBeUndefined();
  });

  it('warns of a dead-letter exchange that is not there, and drops the message', async () => {
    const { channel, warnings } = await open({ 'x-dead-letter-exchange': 'nope' });
    await channel.publish(message('m'), to('x', 'k'));
    await channel.settle((await channel.get('q')) as Delivery, 'reject', { confirm: true });
    expect(warnings).toMatchObject([{ code: 'ERR_KOMBU_NOT_FOUND' }]);
    expect(await channel.get('q')).toBeUndefined();
  });

  it('needs a dead-letter exchange for a dead-letter routing key', async () => {
    const { channel } = await open();
    const odd = queue('odd', { arguments: { 'x-dead-letter-routing-key': 'k' } });
    expect((await failure(channel.declareQueue(odd))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    expect(name).toBeDefined();
  });
});

function wire(delivery: Delivery) {
  const { body, contentType, contentEncoding, headers, properties } = delivery;
  return { body, contentType, contentEncoding, headers, properties };
}

async function poll(get: (q: string) => Promise<Delivery | undefined>, q: string): Promise<Delivery> {
  let one: Delivery | undefined;
  await until(`there is something in ${q}`, async () => {
    one = await get(q);
    return one !== undefined;
  });
  return one as Delivery;
}

describe('dead-lettering over a store of text', () => {
  it('puts first and settles second, so that a crash in between doubles and never loses', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store));
    await channel.declareQueue(queue('dead'));
    const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };
    await channel.declareQueue(queue('q', { arguments: args }));
    await channel.publish(message('m'), to('', 'q'));
    const one = (await channel.get('q')) as Delivery;
    const pauses = store.pause;
    void channel.settle(one, 'reject');
    store.pause = async () => {
      await pauses();
      // As soon as the copy is stored the link breaks.
      if (store.queues.get('dead')?.length === 1) store.failLinks();
    };
    await channel.closed;
    expect(store.queues.get('dead')?.length).toBe(1);
    expect(store.reserved.size).toBe(1);
  });

  it('never encodes the body again, and passes on what it does not know', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store));
    await channel.declareQueue(queue('dead'));
    const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };
    await channel.declareQueue(queue('q', { arguments: args }));
    const body = 'aGVsbG8g\nd29ybGQ=';
    const payload = JSON.stringify({
      body,
      'content-type': 'text/plain',
      'content-encoding': 'utf-8',
      headers: { compression: 'application/x-gzip' },
      properties: {
        delivery_tag: 't',
        body_encoding: 'base64',
        delivery_info: { exchange: 'e', routing_key: 'k' },
        odd: 1,
      },
      unknown: { kept: [1, 2] },
    });
    store.queue('q').push({ queue: 'q', payload, priority: 0, expiresAt: undefined, attempts: 0 });
    await channel.settle((await channel.get('q')) as Delivery, 'reject', { confirm: true });
    const dead = JSON.parse(store.queues.get('dead')?.[0]?.payload ?? '{}') as Record<string, unknown>;
    expect(dead).toMatchObject({
      body,
      unknown: { kept: [1, 2] },
      headers: { compression: 'application/x-gzip', 'x-death': [{ exchange: 'e', 'routing-keys': ['k'] }] },
      properties: { body_encoding: 'base64', odd: 1, delivery_info: { exchange: '', routing_key: 'dead' } },
    });
    expect((dead.properties as { delivery_tag: string }).delivery_tag).not.toBe('t');
  });
});

describe('a store that expires queues by itself', () => {
  it('is told that a queue is in use, often enough, while it is consumed from and no longer', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store));
    await channel.declareQueue(queue('q', { arguments: { 'x-expires': 300 } }));
    await collect(channel, 'q', { tag: 'c' });
    const left: number[] = [];
    const begun = performance.now();
    await until('some times of its life have passed', () => {
      left.push((store.unusedFrom.get('q') ?? 0) - performance.now());
      return performance.now() - begun > 1000;
    });
    expect(Math.min(...left)).toBeGreaterThan(0);
    await channel.cancel('c');
    await until('it counts as unused', () => (store.unusedFrom.get('q') ?? 0) < performance.now());
  });
});
