import { afterEach, describe, expect, it } from '@jest/globals';
import { ChannelError, UndeliverableError } from '../../src/errors/index.js';
import { createMemoryTransport } from '../../src/memory/memory.js';
import type { Delivery } from '../../src/transport/delivery.js';
import type { VirtualDriver } from '../../src/virtual/driver.js';
import {
  brokers,
  closeAll,
  collect,
  connect,
  drain,
  failure,
  message,
  numbers,
  openChannel,
  queue,
  settle,
  text,
  textTransport,
  to,
  until,
} from './support/level1.js';
import { TextStore } from './support/text-store.js';

afterEach(closeAll);

describe.each(brokers)('consuming on %s', (_name, start) => {
  it('delivers in order, and nothing before consume has returned', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const body of numbers(200)) await channel.publish(message(body), to('', 'q'));
    const got: Delivery[] = [];
    let returned = false;
    let early = 0;
    const request = {
      queue: 'q',
      tag: 't',
      noAck: false,
      exclusive: false,
      noLocal: false,
      arguments: {},
      prefetch: 20,
    };
    const started = channel.consume(request, (delivery) => {
      if (!returned) early++;
      got.push(delivery);
      void channel.settle(delivery, 'ack');
    });
    returned = true;
    await started;
    await until('everything came', () => got.length === 200);
    expect(got.map(text)).toEqual(numbers(200));
    expect(early).toBe(0);
    expect(new Set(got.map((one) => one.deliveryTag)).size).toBe(200);
    expect(got.every((one) => one.consumerTag === 't' && one.queue === 'q' && !one.redelivered)).toBe(true);
  });

  it.each([1, 2, 50])('never exceeds a prefetch of %d, over two queues', async (prefetch) => {
    const { channel } = await connect(start().transport);
    const held = new Map<string, number>();
    let most = 0;
    let done = 0;
    for (const name of ['a', 'b']) {
      await channel.declareQueue(queue(name));
      for (const body of numbers(120)) await channel.publish(message(body), to('', name));
      await collect(channel, name, {
        prefetch,
        handle: (delivery) => {
          held.set(name, (held.get(name) ?? 0) + 1);
          most = Math.max(most, held.get(name) ?? 0);
          setTimeout(() => {
            held.set(name, (held.get(name) ?? 0) - 1);
            done++;
            void channel.settle(delivery, 'ack');
          }, Math.random() * 3);
        },
      });
    }
    await until('everything was handled', () => done === 240);
    expect(most).toBe(prefetch);
  });

  it('changes the prefetch of a running consumer', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const body of numbers(20)) await channel.publish(message(body), to('', 'q'));
    const { tag, got } = await collect(channel, 'q', { prefetch: 1 });
    await until('one came', () => got.length === 1);
    await settle();
    expect(got.length).toBe(1);
    await channel.setPrefetch?.(tag, 5);
    await until('five came', () => got.length === 5);
    await channel.setPrefetch?.(tag, 2);
    for (const delivery of got.slice(0, 3)) void channel.settle(delivery, 'ack');
    await settle(50);
    expect(got.length).toBe(5);
    void channel.settle(got[3] as Delivery, 'ack');
    await until('one more came', () => got.length === 6);
    expect((await failure(() => channel.setPrefetch?.(tag, -1))).code).toBe('ERR_KOMBU_INVALID_OPTION');
  });

  it('limits all consumers of a channel together', async () => {
    const { channel } = await connect(start().transport);
    const all: Delivery[] = [];
    await channel.setChannelPrefetch?.(3);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await channel.declareQueue(queue(name));
      for (const body of numbers(4)) await channel.publish(message(body), to('', name));
      await collect(channel, name, { handle: (delivery) => all.push(delivery) });
    }
    await until('three came', () => all.length === 3);
    await settle(50);
    expect(all.length).toBe(3);
    for (let i = 0; i < 20; i++) {
      await until('there is one more', () => all.length > i);
      void channel.settle(all[i] as Delivery, 'ack');
    }
    expect(new Set(all.map((one) => one.queue)).size).toBe(5);
  });

  it('caps a prefetch of 0', async () => {
    const { channel } = await connect(start().transport, { options: { maxUnacked: 7 } });
    await channel.declareQueue(queue('q'));
    for (const body of numbers(20)) await channel.publish(message(body), to('', 'q'));
    const { got } = await collect(channel, 'q', { prefetch: 0 });
    await until('they came', () => got.length === 7);
    await settle(50);
    expect(got.length).toBe(7);
  });

  it('needs no settlement with noAck, and delivers as much as there is', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const body of numbers(30)) await channel.publish(message(body), to('', 'q'));
    const { tag, got, texts } = await collect(channel, 'q', { noAck: true, prefetch: 1 });
    await until('all came', () => got.length === 30);
    expect(texts()).toEqual(numbers(30));
    expect(await channel.settle(got[0] as Delivery, 'ack')).toBeUndefined();
    expect(await channel.settle(got[0] as Delivery, 'requeue')).toBeUndefined();
    await channel.cancel(tag);
    expect(await drain(channel, 'q')).toEqual([]);
  });

  it('shares a queue between consumers, of one connection or of two', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    const other = (await openChannel(a.connection)).channel;
    const all: string[] = [];
    const held: (() => void)[] = [];
    let holding = true;
    const collectors: { readonly got: readonly Delivery[] }[] = [];
    for (const channel of [a.channel, a.channel, other, b.channel]) {
      const handle = (delivery: Delivery): void => {
        all.push(text(delivery) ?? '');
        const ack = (): void => void channel.settle(delivery, 'ack');
        if (holding) held.push(ack);
        else ack();
      };
      collectors.push(await collect(channel, 'q', { prefetch: 2, handle }));
    }
    for (const body of numbers(200)) await a.channel.publish(message(body), to('', 'q'));
    await until('each has what it may hold', () => collectors.every(({ got }) => got.length === 2));
    holding = false;
    for (const ack of held) ack();
    await until('all came', () => all.length >= 200);
    expect([...all].sort((x, y) => Number(x) - Number(y))).toEqual(numbers(200));
  });

  it('is not starved by many empty queues', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('full'));
    let got = 0;
    for (let i = 0; i < 60; i++) {
      await channel.declareQueue(queue(`empty-${i}`));
      await collect(channel, `empty-${i}`);
    }
    await collect(channel, 'full', {
      prefetch: 2,
      handle: (delivery) => {
        got++;
        void channel.settle(delivery, 'ack');
      },
    });
    for (const body of numbers(50)) await channel.publish(message(body), to('', 'full'));
    await until('all of the full one came', () => got === 50);
    await channel.publish(message('late'), to('', 'empty-30'));
    await until(
      'so does what comes late',
      async () => (await channel.declareQueue(queue('empty-30'))).messageCount === 0,
    );
  });

  it('gives back what it has not settled, to the front and in order, when it is closed', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    for (const body of numbers(30)) await a.channel.publish(message(body), to('', 'q'));
    const { got } = await collect(a.channel, 'q', { prefetch: 10 });
    await until('ten came', () => got.length === 10);
    void a.channel.settle(got[4] as Delivery, 'ack');
    await until('one more came', () => got.length === 11);
    await a.channel.close();
    expect((await failure(() => a.channel.settle(got[0] as Delivery, 'ack'))).code).toBe('ERR_KOMBU_ALREADY_SETTLED');
    const left = await drain(b.channel, 'q');
    expect(left).toEqual(numbers(30).filter((body) => body !== '4'));
  });

  it('delivers nothing once cancel has resolved, and keeps deliveries in hand settleable', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    const { tag, got } = await collect(channel, 'q', { prefetch: 3 });
    for (const body of numbers(20)) void channel.publish(message(body), to('', 'q'));
    await until('some came', () => got.length > 0);
    await channel.cancel(tag);
    await channel.cancel(tag);
    await channel.cancel('never heard of');
    const count = got.length;
    await settle(50);
    expect(got.length).toBe(count);
    for (const delivery of got) void channel.settle(delivery, 'ack');
    await until('the rest is back', async () => (await channel.declareQueue(queue('q'))).messageCount === 20 - count);
    expect(await drain(channel, 'q')).toEqual(numbers(20).slice(count));
  });

  it('can be cancelled from inside of a delivery', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const body of numbers(10)) await channel.publish(message(body), to('', 'q'));
    const { got } = await collect(channel, 'q', {
      tag: 'once',
      handle: (delivery) => {
        void channel.settle(delivery, 'ack');
        void channel.cancel('once');
      },
    });
    await until('one came', () => got.length > 0);
    await settle(50);
    expect(got.length).toBe(1);
    expect(await drain(channel, 'q')).toEqual(numbers(10).slice(1));
  });

  it('can be closed from inside of a delivery', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    for (const body of numbers(10)) await a.channel.publish(message(body), to('', 'q'));
    let closing: Promise<void> | undefined;
    const { got } = await collect(a.channel, 'q', {
      handle: () => {
        closing ??= a.connection.close();
      },
    });
    await until('one came', () => closing !== undefined);
    await closing;
    expect(got.length).toBe(1);
    expect(await drain(b.channel, 'q')).toEqual(numbers(10));
  });

  it('ends consumers whose queue is deleted, here or elsewhere', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport, { options: { leaseMs: 200 } }), await connect(transport)];
    for (const name of ['mine', 'theirs']) {
      await a.channel.declareQueue(queue(name));
      await collect(a.channel, name, { tag: name });
    }
    await a.channel.deleteQueue('mine');
    expect(a.told.cancelled).toMatchObject([{ tag: 'mine', why: { code: 'ERR_KOMBU_NOT_FOUND' } }]);
    await b.channel.deleteQueue('theirs');
    await until('it is told', () => a.told.cancelled.length === 2);
    expect(a.told.cancelled[1]).toMatchObject({ tag: 'theirs', why: { code: 'ERR_KOMBU_NOT_FOUND' } });
    await a.channel.declareQueue(queue('mine'));
    const again = await collect(a.channel, 'mine', { tag: 'mine' });
    await a.channel.publish(message('new life'), to('', 'mine'));
    await until('it comes', () => again.got.length === 1);
  });

  it('refuses what it cannot do', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    expect((await failure(collect(a.channel, 'nope'))).code).toBe('ERR_KOMBU_NOT_FOUND');
    expect((await failure(a.channel.get('nope'))).code).toBe('ERR_KOMBU_NOT_FOUND');
    expect((await failure(collect(a.channel, 'q', { noLocal: true }))).code).toBe('ERR_KOMBU_NOT_SUPPORTED');
    expect((await failure(collect(a.channel, 'q', { arguments: { 'x-priority': 1 } }))).code).toBe(
      'ERR_KOMBU_NOT_SUPPORTED',
    );
    expect((await failure(collect(a.channel, 'q', { prefetch: 1.5 }))).code).toBe('ERR_KOMBU_INVALID_OPTION');
    await collect(a.channel, 'q', { tag: 'twice' });
    expect((await failure(collect(a.channel, 'q', { tag: 'twice' }))).code).toBe('ERR_KOMBU_INVALID_OPTION');
    expect((await failure(collect(b.channel, 'q', { exclusive: true }))).code).toBe('ERR_KOMBU_ACCESS_REFUSED');
    await a.channel.cancel('twice');
    const only = await collect(b.channel, 'q', { exclusive: true });
    expect((await failure(collect(a.channel, 'q'))).code).toBe('ERR_KOMBU_ACCESS_REFUSED');
    await b.channel.cancel(only.tag);
    await collect(a.channel, 'q');
  });

  it('loses nothing when get or consume is aborted at any moment', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const body of numbers(20)) await channel.publish(message(body), to('', 'q'));
    const acked: string[] = [];
    for (let i = 0; i < 40; i++) {
      const controller = new AbortController();
      const { signal } = controller;
      const request = {
        queue: 'q',
        tag: `t${i}`,
        noAck: false,
        exclusive: false,
        noLocal: false,
        arguments: {},
        prefetch: 3,
      };
      const getting = channel.get('q', { signal }).catch((error: { code: string }) => error.code);
      const consuming = channel
        .consume(request, (delivery) => void channel.settle(delivery, 'requeue'), { signal })
        .catch((error: { code: string }) => error.code);
      await settle(i % 4);
      controller.abort();
      const got = await getting;
      if (typeof got === 'object') await channel.settle(got, 'release');
      else if (got !== undefined) expect(got).toBe('ERR_KOMBU_ABORTED');
      if ((await consuming) === undefined) await channel.cancel(request.tag);
    }
    await until('all of it is there again', async () => {
      acked.push(...(await drain(channel, 'q')));
      return acked.length >= 20;
    });
    await settle();
    acked.push(...(await drain(channel, 'q')));
    expect([...acked].sort((a, b) => Number(a) - Number(b))).toEqual(numbers(20));
  });

  it('does nothing that was aborted before', async () => {
    const { channel } = await connect(start().transport);
    const signal = AbortSignal.abort();
    const calls = [
      () => channel.declareQueue(queue('q'), { signal }),
      () =>
        channel.declareExchange(
          { name: 'x', type: 'direct', durable: true, autoDelete: false, arguments: {} },
          { signal },
        ),
      () => channel.get('q', { signal }),
      () => channel.purgeQueue('q', { signal }),
      () => channel.publish(message('m'), to('', 'q'), { signal }),
    ];
    for (const call of calls) expect((await failure(call)).code).toBe('ERR_KOMBU_ABORTED');
    expect((await failure(channel.declareQueue(queue('q', { passive: true })))).code).toBe('ERR_KOMBU_NOT_FOUND');
  });

  it('reports a consumer that throws, and goes on', async () => {
    const { channel, told } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    const { got } = await collect(channel, 'q', {
      handle: (delivery) => {
        void channel.settle(delivery, 'ack');
        if (text(delivery) === '1') throw new Error('oops');
      },
    });
    for (const body of numbers(3)) await channel.publish(message(body), to('', 'q'));
    await until('all came', () => got.length === 3);
    expect(told.warnings.length).toBe(1);
  });
});

describe('consuming on memory', () => {
  it('lets other work of the process have its turn', async () => {
    const { channel } = await connect(createMemoryTransport());
    await channel.declareQueue(queue('q'));
    let got = 0;
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await collect(channel, 'q', {
      handle: (delivery) => {
        got++;
        void channel.settle(delivery, 'ack');
        // Every message makes another: without a pause this would never end.
        if (got < 50_000) void channel.publish(message('again'), to('', 'q'));
      },
    });
    void channel.publish(message('first'), to('', 'q'));
    await until('all came', () => got === 50_000, 20_000);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it('makes no promise for a publish', async () => {
    const { channel } = await connect(createMemoryTransport());
    await channel.declareQueue(queue('q'));
    expect(channel.publish(message('a'), to('', 'q'))).toBeUndefined();
    const got = await channel.get('q');
    expect(typeof got?.deliveryTag).toBe('number');
    if (got !== undefined) expect(channel.settle(got, 'ack')).toBeUndefined();
  });
});

describe('a reserve in the air', () => {
  async function inTheAir() {
    const store = new TextStore();
    const transport = textTransport(store);
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    for (const body of numbers(8)) await a.channel.publish(message(body), to('', 'q'));
    let land: () => void = () => {};
    store.reservePause = () => new Promise((resolve) => (land = resolve));
    const consumer = await collect(a.channel, 'q', { prefetch: 5 });
    await until('it is in the air', () => store.reserved.size === 5);
    store.reservePause = undefined;
    return { store, a, b, consumer, land: () => land() };
  }

  it('is given back to the front in order when the consumer is cancelled', async () => {
    const { store, a, b, consumer, land } = await inTheAir();
    await a.channel.cancel(consumer.tag);
    land();
    await until('it is back', () => store.queues.get('q')?.length === 8);
    expect(consumer.got).toEqual([]);
    expect(await drain(b.channel, 'q')).toEqual(numbers(8));
  });

  it('is given back when the connection closes', async () => {
    const { a, b, consumer, land } = await inTheAir();
    const closing = a.connection.close();
    await settle();
    land();
    await closing;
    expect(consumer.got).toEqual([]);
    expect(await drain(b.channel, 'q')).toEqual(numbers(8));
  });

  it('goes to another consumer of the queue when there is one', async () => {
    const { a, consumer, land } = await inTheAir();
    const other = await collect(a.channel, 'q', { prefetch: 10 });
    await a.channel.cancel(consumer.tag);
    land();
    await until('all are there', () => other.got.length === 8);
    expect(new Set(other.texts())).toEqual(new Set(numbers(8)));
  });

  it('is not lost without acknowledgement either', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store));
    await channel.declareQueue(queue('q'));
    for (const body of numbers(8)) await channel.publish(message(body), to('', 'q'));
    let land: (() => void) | undefined;
    store.reservePause = () => new Promise((resolve) => (land = resolve));
    const { tag, got } = await collect(channel, 'q', { noAck: true });
    await until('it is in the air', () => land !== undefined);
    store.reservePause = undefined;
    await channel.cancel(tag);
    land?.();
    await until('it is back', () => store.queues.get('q')?.length === 8);
    expect(got).toEqual([]);
    expect(new Set(await drain(channel, 'q'))).toEqual(new Set(numbers(8)));
  });

  it('is told of without acknowledgement, where the store does not take it back', async () => {
    const store = new TextStore();
    const error = new UndeliverableError('MESSAGE_TOO_LARGE', 'too large');
    const refusing = (driver: VirtualDriver): VirtualDriver => ({
      ...driver,
      put: async ({ entries }) => ({ failures: entries.map((_, index) => ({ index, error })), evicted: [] }),
    });
    const { channel } = await connect(textTransport(store));
    await channel.declareQueue(queue('q'));
    await channel.publish(message('x'), to('', 'q'));
    const far = await connect(textTransport(store, {}, {}, refusing));
    let land: (() => void) | undefined;
    store.reservePause = () => new Promise((resolve) => (land = resolve));
    const { tag } = await collect(far.channel, 'q', { noAck: true });
    await until('it is in the air', () => land !== undefined);
    store.reservePause = undefined;
    await far.channel.cancel(tag);
    land?.();
    await until('it was told', () => far.warnings.includes(error));
  });
});

describe('a store where receiving is the wait', () => {
  const limits = { receiveWaitMs: 300, queuesPerReserve: 1, maxBatch: 10, lease: 'server' as const };

  it('waits at the store, with no polling', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { watch: false, limits }));
    await channel.declareQueue(queue('q'));
    const { got } = await collect(channel, 'q', { handle: (delivery) => void channel.settle(delivery, 'ack') });
    for (const body of numbers(25)) await channel.publish(message(body), to('', 'q'));
    await until('all came', () => got.length === 25);
    await settle(100);
    expect(store.count('reserve')).toBeLessThan(60);
    expect(store.calls.filter((call) => call.name === 'wait').every((call) => call.count === 300)).toBe(true);
  });

  it('does not let an idle queue hold the only credit', async () => {
    const store = new TextStore();
    const { channel } = await connect(
      textTransport(store, { watch: false, limits: { ...limits, receiveWaitMs: 3000 } }),
    );
    await channel.setChannelPrefetch?.(1);
    for (const name of ['idle', 'busy', 'idle too']) {
      await channel.declareQueue(queue(name));
      await collect(channel, name, { handle: (delivery) => void channel.settle(delivery, 'ack') });
    }
    const begun = performance.now();
    for (const body of numbers(10)) await channel.publish(message(body), to('', 'busy'));
    await until('all came', () => store.queues.get('busy')?.length === 0 && store.reserved.size === 0);
    expect(performance.now() - begun).toBeLessThan(3000);
  });

  it('lets a busy queue use all the credit but one for each idle queue', async () => {
    const store = new TextStore();
    const { channel } = await connect(
      textTransport(store, { watch: false, limits: { ...limits, receiveWaitMs: 3000 } }),
    );
    await channel.setChannelPrefetch?.(6);
    const held: Delivery[] = [];
    for (const name of ['idle', 'busy', 'idle too']) {
      await channel.declareQueue(queue(name));
      await collect(channel, name, { handle: (delivery) => void held.push(delivery) });
    }
    for (const body of numbers(10)) await channel.publish(message(body), to('', 'busy'));
    const begun = performance.now();
    await until('four are out', () => held.length === 4, 2000);
    for (let done = 0; done < 10; done++) {
      await until('the next one came', () => held.length > done, 2000);
      await channel.settle(held[done] as Delivery, 'ack');
    }
    expect(performance.now() - begun).toBeLessThan(2500);
    expect(held.map(text)).toEqual(numbers(10));
  });

  it('with a limit for its channel a queue is still waited for at the store, one wait after the other', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { watch: false, limits }));
    await channel.setChannelPrefetch?.(5);
    await channel.declareQueue(queue('q'));
    await collect(channel, 'q');
    await until('it has waited three times', () => store.count('wait') === 3);
    expect(store.count('reserve')).toBe(3);
  });

  it('waits with the only credit of a channel where no other queue wants it, after a few looks', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { watch: false, limits }));
    await channel.setChannelPrefetch?.(1);
    await channel.declareQueue(queue('q'));
    const { got } = await collect(channel, 'q', { handle: (delivery) => void channel.settle(delivery, 'ack') });
    await until('it waits', () => store.calls.some((call) => call.name === 'wait' && call.count === 300));
    const before = store.count('reserve');
    await until(
      'it has waited three times more',
      () => store.count('wait') >= 3 && store.count('reserve') >= before + 2,
    );
    expect(store.calls.filter((call) => call.name === 'wait').every((call) => call.count === 300)).toBe(true);
    await channel.publish(message('it'), to('', 'q'));
    await until('it comes', () => got.length === 1, 1000);
    // Another queue is not kept waiting for longer than that.
    await channel.declareQueue(queue('other'));
    const other = await collect(channel, 'other', { handle: (delivery) => void channel.settle(delivery, 'ack') });
    await channel.publish(message('it'), to('', 'other'));
    await until('that comes, too', () => other.got.length === 1, 1000);
  });

  it('does not ask in a hurry where the store does not wait although it is told to', async () => {
    const store = new TextStore();
    const hasty = { watch: false, limits: { ...limits, receiveWaitMs: 30_000 }, waitless: true };
    const { channel } = await connect(textTransport(store, hasty), { options: { pollingIntervalMs: 60_000 } });
    await channel.declareQueue(queue('q'));
    const { got } = await collect(channel, 'q');
    const begun = performance.now();
    await until('some time has passed', () => performance.now() - begun > 600);
    expect(store.count('reserve')).toBeLessThan(12);
    await channel.publish(message('it'), to('', 'q'));
    await until('it comes', () => got.length === 1, 1000);
  });

  it('ends the consumers of a queue that the store does not have any more', async () => {
    const store = new TextStore();
    const { channel, told } = await connect(textTransport(store, { watch: false, limits, topology: false }));
    await channel.declareQueue(queue('q'));
    const { tag } = await collect(channel, 'q');
    await until('it waits', () => store.count('wait') > 0);
    store.reservePause = () => Promise.reject(new ChannelError('NOT_FOUND', 'no queue q'));
    await until('it was told', () => told.cancelled.length > 0);
    expect(told.cancelled).toMatchObject([{ tag, why: { code: 'ERR_KOMBU_NOT_FOUND' } }]);
    const asked = store.count('reserve');
    await settle(200);
    expect(store.count('reserve')).toBe(asked);
  });

  it('gives back what a receive still brings after its consumer was cancelled', async () => {
    const store = new TextStore();
    const transport = textTransport(store, { watch: false, limits: { ...limits, receiveWaitMs: 3000 } });
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    const { tag, got } = await collect(a.channel, 'q');
    await until('it waits', () => store.count('wait') > 0);
    await a.channel.cancel(tag);
    await b.channel.publish(message('late'), to('', 'q'));
    await until('it was given back', () => store.count('settle') === 1 && store.queues.get('q')?.length === 1);
    expect(got).toEqual([]);
    expect(await drain(b.channel, 'q')).toEqual(['late']);
  });
});

describe('a store that has to be polled', () => {
  it('is asked less and less while there is nothing, and at once after a message', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { watch: false }), {
      options: { pollingIntervalMs: 60_000 },
    });
    await channel.declareQueue(queue('q'));
    const { got } = await collect(channel, 'q', { handle: (delivery) => void channel.settle(delivery, 'ack') });
    const begun = performance.now();
    await until('it has rested', () => performance.now() - begun > 1300);
    expect(store.count('reserve')).toBeLessThan(12);
    // It would look again in more than a second.
    await channel.publish(message('mine'), to('', 'q'));
    await until('it comes', () => got.length === 1, 1000);
  });

  it('goes on after the store has failed to answer', async () => {
    const store = new TextStore();
    const { channel, warnings } = await connect(textTransport(store));
    await channel.declareQueue(queue('q'));
    store.reservePause = () => Promise.reject(new Error('busy'));
    const { got } = await collect(channel, 'q');
    await until('it was told', () => warnings.length > 0);
    store.reservePause = undefined;
    await channel.publish(message('a'), to('', 'q'));
    await until('it comes', () => got.length === 1);
    expect(warnings[0]).toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
  });
});
