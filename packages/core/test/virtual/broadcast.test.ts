import { afterEach, describe, expect, it } from '@jest/globals';
import type { Channel } from '../../src/transport/channel.js';
import type { Delivery } from '../../src/transport/delivery.js';
import {
  closeAll,
  collect,
  connect,
  drain,
  exchange,
  failure,
  message,
  queue,
  settle,
  text,
  textTransport,
  to,
  until,
} from './support/level1.js';
import { TextStore } from './support/text-store.js';

afterEach(closeAll);

async function fanout(channel: Channel, ...names: readonly string[]): Promise<void> {
  await channel.declareExchange(exchange('news', 'fanout'));
  for (const name of names) {
    await channel.declareQueue(queue(name));
    await channel.bindQueue({ queue: name, exchange: 'news', routingKey: '', arguments: {} });
  }
}

async function open() {
  const store = new TextStore();
  const transport = textTransport(store, { broadcast: true });
  return { store, transport, ...(await connect(transport)) };
}

describe('fanout to subscribers', () => {
  it('reaches every queue that is consumed from, and stores nothing', async () => {
    const { store, transport, channel } = await open();
    const other = await connect(transport);
    await fanout(channel, 'a', 'b');
    await fanout(other.channel, 'c');
    const all = [await collect(channel, 'a'), await collect(channel, 'b'), await collect(other.channel, 'c')];
    await channel.publish(message('1'), to('news', 'any key'));
    await other.channel.publish(message('2'), to('news', ''));
    await until('all have both', () => all.every(({ got }) => got.length === 2));
    for (const { got, texts } of all) {
      expect(texts()).toEqual(['1', '2']);
      expect([got[0]?.exchange, got[0]?.routingKey, got[0]?.redelivered]).toEqual(['news', 'any key', false]);
      for (const one of got) await channel.settle(one, 'ack', { confirm: true });
    }
    expect(store.count('put')).toBe(0);
    expect(store.count('settle')).toBe(0);
    expect(store.count('broadcast')).toBe(2);
  });

  it('is lost on queues that nobody consumes from', async () => {
    const { channel } = await open();
    await fanout(channel, 'a');
    await channel.publish(message('too early'), to('news', ''));
    const { got, texts } = await collect(channel, 'a');
    await channel.publish(message('in time'), to('news', ''));
    await until('it comes', () => got.length > 0);
    expect(texts()).toEqual(['in time']);
  });

  it('keeps the prefetch, and waits for it', async () => {
    const { channel } = await open();
    await fanout(channel, 'a');
    const { got, texts } = await collect(channel, 'a', { prefetch: 2 });
    for (let i = 0; i < 5; i++) await channel.publish(message(String(i)), to('news', ''));
    await until('two came', () => got.length === 2);
    await settle();
    expect(got.length).toBe(2);
    for (let i = 0; i < 5; i++) {
      await until('there is one more', () => got.length > i);
      void channel.settle(got[i] as Delivery, 'ack');
    }
    expect(texts()).toEqual(['0', '1', '2', '3', '4']);
  });

  it('gives back to its own queue, in its place', async () => {
    const { channel } = await open();
    await fanout(channel, 'a', 'b');
    const { tag, got } = await collect(channel, 'a', { prefetch: 3 });
    const b = await collect(channel, 'b');
    for (let i = 0; i < 5; i++) await channel.publish(message(String(i)), to('news', ''));
    await until('they came', () => got.length === 3 && b.got.length === 5);
    await channel.cancel(tag);
    await channel.settle(got[0] as Delivery, 'requeue');
    await channel.settle(got[1] as Delivery, 'release');
    await channel.settle(got[2] as Delivery, 'release');
    const again = await collect(channel, 'a', { prefetch: 10 });
    await settle(100);
    await until('all came again', () => again.got.length === 5);
    expect(again.got.map((one) => [text(one), one.redelivered])).toEqual([
      ['1', false],
      ['2', false],
      ['3', false],
      ['4', false],
      ['0', true],
    ]);
    expect(b.got.length).toBe(5);
  });

  it('goes along with what the same queue is sent by other exchanges', async () => {
    const { channel } = await open();
    await fanout(channel, 'a');
    const { got } = await collect(channel, 'a', { handle: (delivery) => void channel.settle(delivery, 'ack') });
    await channel.publish(message('stored'), to('', 'a'));
    await channel.publish(message('broadcast'), to('news', ''));
    await until('both came', () => got.length === 2);
    expect(got.map(text).sort()).toEqual(['broadcast', 'stored']);
  });

  it('follows bindings that are made and taken back while it is consumed from', async () => {
    const { store, channel } = await open();
    await channel.declareExchange(exchange('news', 'fanout'));
    await channel.declareQueue(queue('a'));
    const { tag, got } = await collect(channel, 'a', { noAck: true });
    await fanout(channel, 'a');
    await channel.publish(message('1'), to('news', ''));
    await until('it came', () => got.length === 1);
    await channel.unbindQueue({ queue: 'a', exchange: 'news', routingKey: '', arguments: {} });
    await until('it is unsubscribed', () => store.subscribers.size === 0);
    await channel.publish(message('2'), to('news', ''));
    await fanout(channel, 'a');
    expect(store.subscribers.size).toBe(1);
    await channel.cancel(tag);
    await until('it is unsubscribed again', () => store.subscribers.size === 0);
    expect(got.length).toBe(1);
  });

  it('fails a publish that the store could not send', async () => {
    const { store, channel } = await open();
    await fanout(channel, 'a');
    await channel.publish(message('fine'), to('news', ''));
    const { pause } = store;
    store.pause = () => Promise.reject(new Error('busy'));
    const error = await failure(channel.publish(message('m'), to('news', '')));
    store.pause = pause;
    expect(error).toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
  });

  it('dead-letters what is rejected', async () => {
    const { channel } = await open();
    await channel.declareQueue(queue('dead'));
    await fanout(channel);
    const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };
    await channel.declareQueue(queue('a', { arguments: args }));
    await channel.bindQueue({ queue: 'a', exchange: 'news', routingKey: '', arguments: {} });
    await collect(channel, 'a', { handle: (delivery) => void channel.settle(delivery, 'reject') });
    await channel.publish(message('bad'), to('news', ''));
    await until('it is dead', async () => (await channel.declareQueue(queue('dead'))).messageCount === 1);
    expect(await drain(channel, 'dead')).toEqual(['bad']);
  });

  it('is bound to other exchanges, both ways', async () => {
    const { channel } = await open();
    await fanout(channel, 'a');
    await channel.declareExchange(exchange('front', 'topic'));
    await channel.declareExchange(exchange('back', 'direct'));
    await channel.declareQueue(queue('stored'));
    await channel.bindQueue({ queue: 'stored', exchange: 'back', routingKey: 'k', arguments: {} });
    await channel.bindExchange?.({ source: 'front', destination: 'news', routingKey: '#', arguments: {} });
    await channel.bindExchange?.({ source: 'news', destination: 'back', routingKey: '', arguments: {} });
    const { got } = await collect(channel, 'a');
    await channel.publish(message('m'), to('front', 'k'));
    await until('it came', () => got.length === 1);
    expect(await drain(channel, 'stored')).toEqual(['m']);
  });
});

describe('fanout that the store does by itself', () => {
  it('is published once, and reaches what any process has bound, consumed from or not', async () => {
    const store = new TextStore();
    const transport = textTransport(store, { fanout: true, topology: false });
    const [here, there] = [
      await connect(transport, { hostname: 'one' }),
      await connect(transport, { hostname: 'two' }),
    ];
    await fanout(here.channel, 'a', 'b');
    await fanout(there.channel, 'c');
    await here.channel.publish(message('1'), to('news', 'any key'));
    expect(store.calls.filter(({ name }) => name === 'publish')).toEqual([{ name: 'publish', count: 1 }]);
    expect([await drain(here.channel, 'a'), await drain(here.channel, 'b')]).toEqual([['1'], ['1']]);
    expect(await drain(there.channel, 'c')).toEqual(['1']);
    expect(store.count('put')).toBe(0);
  });

  it('fails what the broker did not take, and nothing else', async () => {
    const { channel } = await connect(textTransport(new TextStore(), { fanout: true }));
    await fanout(channel, 'a');
    const sent = ['1', 'refused', '3'].map((key) => channel.publish(message(key), to('news', key)));
    const ended = await Promise.allSettled(sent);
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await drain(channel, 'a')).toEqual(['1', '3']);
  });

  it('knows of bindings that end, and of exchanges that are deleted', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { fanout: true }));
    await fanout(channel, 'a', 'b');
    await channel.unbindQueue({ queue: 'a', exchange: 'news', routingKey: '', arguments: {} });
    await channel.publish(message('1'), to('news', '', true));
    expect([await drain(channel, 'a'), await drain(channel, 'b')]).toEqual([[], ['1']]);
    await channel.deleteExchange('news');
    expect(store.fanouts.size).toBe(0);
  });
});
