import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, type Rabbitmq, startRabbitmq, until } from '@kombu/brokers';
import type { Delivery, TransportChannel } from '@kombu/core';
import { declareQueue, message, openLink, request, type TestLink, type Told, texts, unique } from './support/link.js';

jest.setTimeout(30_000);
const broker = await startRabbitmq();
afterAll(() => (isUnavailable(broker) ? undefined : broker.close()));

function suite({ url }: Rabbitmq): void {
  let one: TestLink;
  let other: TestLink;
  let channel: TransportChannel & { readonly told: Told };
  beforeAll(async () => {
    one = await openLink(url);
    other = await openLink(url);
    channel = await one.channel();
  });
  afterAll(async () => {
    await one.link.close();
    await other.link.close();
  });

  /** Consumes into an array. */
  const collect = async (queue: string, over: Parameters<typeof request>[1] = {}, from = channel) => {
    const got: Delivery[] = [];
    const req = request(queue, over);
    await from.consume(req, (delivery) => got.push(delivery));
    return { got, tag: req.tag };
  };
  const publish = (queue: string, ...bodies: string[]) =>
    Promise.all(bodies.map((body) => channel.publish(message(body), { exchange: '', routingKey: queue })));
  const arrived = (got: readonly Delivery[], n: number) =>
    until(() => got.length >= n, { what: `${n} deliveries`, timeoutMs: 10_000 });
  /** Waits until the broker has handled everything that this channel has sent for the queue's consumers. */
  const count = async (queue: string) => {
    const watcher = await other.channel();
    try {
      return (
        await watcher.declareQueue({
          name: queue,
          durable: true,
          exclusive: false,
          autoDelete: false,
          arguments: {},
          passive: true,
        })
      ).messageCount;
    } finally {
      await watcher.close();
    }
  };

  describe('an error of one operation', () => {
    it('leaves two consumers their 100 deliveries, whatever it is and wherever it comes from', async () => {
      const mine = await one.channel();
      const queues = [await declareQueue(mine), await declareQueue(mine)] as const;
      const bodies = Array.from({ length: 50 }, (_, i) => String(i));
      await publish(queues[0], ...bodies);
      await publish(queues[1], ...bodies);
      const first = await collect(queues[0], {}, mine);
      const second = await collect(queues[1], {}, mine);
      await arrived(first.got, 50);
      await arrived(second.got, 50);
      const held = await mine.get(await filled(queues[0], mine));

      const locked = unique('locked');
      const owner = await other.channel();
      await owner.declareQueue({ name: locked, durable: false, exclusive: true, autoDelete: false, arguments: {} });
      const spec = { durable: false, exclusive: false, autoDelete: false, arguments: {} };
      const exclusive = { exclusive: true };
      const failures: [string, () => unknown][] = [
        ['NOT_FOUND', () => mine.declareQueue({ ...spec, name: 'nowhere', passive: true })],
        ['NOT_FOUND', () => mine.declareExchange({ ...spec, name: 'nowhere', type: 'direct', passive: true })],
        ['NOT_FOUND', () => mine.publish(message('x'), { exchange: 'nowhere', routingKey: '' })],
        ['NOT_FOUND', () => mine.consume(request('nowhere'), () => {})],
        ['NOT_FOUND', () => mine.get('nowhere')],
        ['NOT_FOUND', () => mine.purgeQueue('nowhere')],
        ['NOT_FOUND', () => mine.bindQueue({ queue: queues[0], exchange: 'nowhere', routingKey: '', arguments: {} })],
        ['PRECONDITION_FAILED', () => mine.declareQueue({ ...spec, name: queues[0] })],
        ['PRECONDITION_FAILED', () => mine.declareExchange({ ...spec, name: 'amq.direct', type: 'topic' })],
        ['PRECONDITION_FAILED', () => mine.deleteQueue(queues[0], { ifUnused: true })],
        [
          'PRECONDITION_FAILED',
          () =>
            mine.publish(message('x', { properties: { userId: 'someone else' } }), {
              exchange: '',
              routingKey: queues[0],
            }),
        ],
        ['RESOURCE_LOCKED', () => mine.declareQueue({ ...spec, name: locked, passive: true })],
        ['RESOURCE_LOCKED', () => mine.consume(request(locked), () => {})],
        ['RESOURCE_LOCKED', () => mine.get(locked)],
        ['ACCESS_REFUSED', () => mine.declareQueue({ ...spec, name: 'amq.mine' })],
        ['ACCESS_REFUSED', () => mine.consume(request(queues[0], exclusive), () => {})],
        ['ACCESS_REFUSED', () => mine.bindQueue({ queue: queues[0], exchange: '', routingKey: '', arguments: {} })],
      ];
      for (const [code, fail] of failures) {
        await expect(Promise.resolve(fail())).rejects.toMatchObject({ code: `ERR_KOMBU_${code}`, retryable: false });
      }
      // All of it at once, too, with publishes of others between.
      const at = await Promise.allSettled([
        ...failures.map(async ([, fail]) => fail()),
        publish(queues[1], 'between'),
        ...failures.map(async ([, fail]) => fail()),
      ]);
      const expected = failures.map(([code]) => `ERR_KOMBU_${code}`);
      const codes = at.map((r) => (r.status === 'rejected' ? (r.reason as { code: string }).code : 'done'));
      // A publish that the broker refuses by closing the channel may take the one before it into the unknown; nothing else may.
      expect(codes.filter((code, i) => code !== [...expected, 'done', ...expected][i])).toEqual([]);
      await arrived(second.got, 51);

      expect(held).toBeDefined();
      await mine.settle(held as Delivery, 'ack', { confirm: true });
      for (const delivery of [...first.got, ...second.got].slice(1)) mine.settle(delivery, 'ack');
      await mine.settle(first.got[0] as Delivery, 'ack', { confirm: true });
      expect(mine.told).toEqual({ returned: [], cancelled: [], warnings: [] });
      await mine.close();
      expect([await count(queues[0]), await count(queues[1])]).toEqual([0, 0]);
      await owner.close();
    });

    /** A queue of its own that holds one message. */
    const filled = async (_: string, on: TransportChannel) => {
      const queue = await declareQueue(on);
      await on.publish(message('held'), { exchange: '', routingKey: queue });
      return queue;
    };

    it('ends the get of a queue that was deleted, and not the message got from another', async () => {
      const queue = await declareQueue(channel);
      await publish(queue, 'kept');
      const kept = (await channel.get(queue)) as Delivery;
      await expect(channel.get(unique('missing'))).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
      await Promise.allSettled([channel.get('missing'), channel.get('missing'), channel.get('missing')]);
      await channel.settle(kept, 'ack', { confirm: true });
      expect(await count(queue)).toBe(0);
    });

    it('names what cannot be encoded, and the next declaration goes through', async () => {
      const bad = { durable: true, exclusive: false, autoDelete: false, arguments: { bad: () => 1 } };
      await expect(channel.declareQueue({ ...bad, name: 'q' })).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
      });
      await expect(channel.declareQueue({ ...bad, name: 'x'.repeat(256), arguments: {} })).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
      });
      const large = { 'x-large': 'x'.repeat(100_000) };
      await expect(channel.declareQueue({ ...bad, name: 'q', arguments: large })).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
      });
      await declareQueue(channel);
    });
  });

  describe('publishing', () => {
    it('tells exactly which of many mandatory publishes came back', async () => {
      const queue = await declareQueue(channel);
      const results = await Promise.allSettled(
        Array.from({ length: 300 }, async (_, i) => {
          const routingKey = i % 3 === 0 ? queue : 'nobody';
          await channel.publish(message('same'), { exchange: '', routingKey, mandatory: i % 3 !== 2 });
        }),
      );
      const codes = results.map((r) => (r.status === 'rejected' ? (r.reason as { code: string }).code : 'taken'));
      expect(codes).toEqual(Array.from({ length: 300 }, (_, i) => (i % 3 === 1 ? 'ERR_KOMBU_NO_ROUTE' : 'taken')));
      expect(await channel.purgeQueue(queue)).toBe(100);
    });

    it('tells of routes that come and go while equal messages are in flight', async () => {
      const queue = await declareQueue(channel);
      const exchange = unique('exchange');
      await channel.declareExchange({
        name: exchange,
        type: 'direct',
        durable: false,
        autoDelete: false,
        arguments: {},
      });
      const binding = { queue, exchange, routingKey: 'k', arguments: {} };
      let taken = 0;
      for (let round = 0; round < 10; round++) {
        const burst = () =>
          Array.from({ length: 20 }, async () =>
            channel.publish(message('equal'), { exchange, routingKey: 'k', mandatory: true }),
          );
        await channel.bindQueue(binding);
        const first = burst();
        await channel.unbindQueue(binding);
        const results = await Promise.allSettled([...first, ...burst()]);
        taken += results.filter((r) => r.status === 'fulfilled').length;
        // A publish that starts after unbind has resolved can not be routed.
        expect(results.slice(20).map((r) => r.status)).toEqual(Array.from({ length: 20 }, () => 'rejected'));
      }
      expect(await channel.purgeQueue(queue)).toBe(taken);
    });

    it('keeps the order of calls, also of those that wait for the channel and for an exchange to be looked for', async () => {
      const mine = await one.channel();
      const queue = await declareQueue(channel);
      const exchange = unique('exchange');
      const maker = await other.channel();
      await maker.declareExchange({ name: exchange, type: 'fanout', durable: false, autoDelete: false, arguments: {} });
      await maker.bindQueue({ queue, exchange, routingKey: '', arguments: {} });
      const all: unknown[] = [];
      for (let i = 0; i < 30; i++) {
        const route = i % 3 === 1 ? { exchange, routingKey: '' } : { exchange: '', routingKey: queue };
        all.push(mine.publish(message(String(i)), route));
        if (i === 20) await all[5];
      }
      await Promise.all(all);
      const { got } = await collect(queue, {}, mine);
      await arrived(got, 30);
      expect(texts(got)).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
      await mine.close();
      await maker.close();
    });

    it('fails the publish to an exchange that somebody deleted, and sends on what came after it', async () => {
      const queue = await declareQueue(channel);
      const exchange = unique('exchange');
      await channel.declareExchange({
        name: exchange,
        type: 'direct',
        durable: false,
        autoDelete: false,
        arguments: {},
      });
      const deleter = await other.channel();
      await deleter.deleteExchange(exchange);
      const results = await Promise.allSettled([
        channel.publish(message('lost'), { exchange, routingKey: 'k' }),
        ...Array.from({ length: 50 }, (_, i) =>
          channel.publish(message(String(i)), { exchange: '', routingKey: queue }),
        ),
      ]);
      expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_KOMBU_NOT_FOUND' } });
      expect(results.slice(1).map((r) => r.status)).toEqual(Array.from({ length: 50 }, () => 'fulfilled'));
      const { got } = await collect(queue);
      await arrived(got, 50);
      expect(texts(got)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
      // It is looked for again before the next one goes to it.
      await expect(channel.publish(message('x'), { exchange, routingKey: 'k' })).rejects.toMatchObject({
        code: 'ERR_KOMBU_NOT_FOUND',
      });
      await deleter.close();
    });

    it('rejects what is too much at once, and takes more when some is confirmed', async () => {
      const few = await openLink(url, { options: { maxInFlight: 10 } });
      const mine = await few.channel();
      const queue = await declareQueue(mine);
      const results = await Promise.allSettled(
        Array.from({ length: 15 }, async () => mine.publish(message('x'), { exchange: '', routingKey: queue })),
      );
      expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(10);
      expect(results[14]).toMatchObject({ reason: { code: 'ERR_KOMBU_BUFFER_FULL', retryable: true } });
      await mine.publish(message('x'), { exchange: '', routingKey: queue });
      expect(await mine.purgeQueue(queue)).toBe(11);
      await few.link.close();
    });

    it('without confirms ends when the message was handed over, and finds what came back all the same', async () => {
      const plain = await openLink(url, { options: { confirmPublish: false } });
      const mine = await plain.channel();
      const queue = await declareQueue(mine);
      await mine.publish(message('first'), { exchange: '', routingKey: queue });
      expect(mine.publish(message('second'), { exchange: '', routingKey: queue })).toBeUndefined();
      const mandatory = await Promise.allSettled(
        Array.from({ length: 30 }, async (_, i) => {
          const routingKey = i % 2 === 0 ? queue : 'nobody';
          await mine.publish(message(String(i)), { exchange: '', routingKey, mandatory: true });
        }),
      );
      expect(mandatory.map((r) => (r.status === 'fulfilled' ? 'taken' : r.reason.code))).toEqual(
        Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? 'taken' : 'ERR_KOMBU_NO_ROUTE')),
      );
      expect(await mine.purgeQueue(queue)).toBe(2 + 15); // mandatory ones are answered for, and with them what came before
      expect(mine.told.returned).toEqual([]);
      mine.publish(message('x'), { exchange: '', routingKey: queue });
      mine.publish(message('lost', { properties: { userId: 'someone else' } }), { exchange: '', routingKey: queue });
      await until(() => mine.told.warnings.length === 1, { what: 'the warning of a publish that nobody waits for' });
      expect(mine.told.warnings[0]).toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
      await mine.publish(message('again'), { exchange: '', routingKey: queue });
      await until(async () => (await count(queue)) === 2, { what: 'what was published around it' });
      // Back-pressure: a large one is taken when the network has taken it.
      await mine.publish(message(Buffer.alloc(8 * 1024 * 1024)), { exchange: '', routingKey: queue });
      await mine.close();
      await plain.link.close();
    });

    it('sends bodies of every size, and any bytes', async () => {
      const queue = await declareQueue(channel);
      const frame = 131_072 - 8;
      const sizes = [0, 1, frame - 1, frame, frame + 1, 2 * frame, 1_000_000];
      const bodies = sizes.map((size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 7) % 256)));
      for (const body of bodies) await channel.publish(message(body), { exchange: '', routingKey: queue });
      for (const body of bodies) {
        const got = (await channel.get(queue, { noAck: true })) as Delivery;
        expect(body.equals(got.body)).toBe(true);
      }
    });

    it('a message that is aborted while it waits is not sent; a deadline that is over sends nothing', async () => {
      const mine = await one.channel();
      const queue = await declareQueue(channel);
      const stop = new AbortController();
      const aborted = mine.publish(message('no'), { exchange: '', routingKey: queue }, { signal: stop.signal });
      stop.abort();
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
      const late = { deadline: performance.now() - 1 };
      await expect(mine.publish(message('no'), { exchange: '', routingKey: queue }, late)).rejects.toMatchObject({
        code: 'ERR_KOMBU_TIMEOUT',
        sent: 'no',
      });
      await mine.publish(message('yes'), { exchange: '', routingKey: queue });
      expect(await channel.purgeQueue(queue)).toBe(1);
      await mine.close();
    });
  });

  describe('consuming', () => {
    it('never hands over more than the prefetch, also when it is raised and lowered while running', async () => {
      const queue = await declareQueue(channel);
      await publish(queue, ...Array.from({ length: 100 }, (_, i) => String(i)));
      const { got, tag } = await collect(queue, { prefetch: 2 });
      let settled = 0;
      const held = () => got.length - settled;
      const settle = (n: number) => {
        for (let i = 0; i < n; i++) channel.settle(got[settled++] as Delivery, 'ack');
      };
      await arrived(got, 2);
      await channel.setPrefetch?.(tag, 10);
      await arrived(got, 10);
      expect(held()).toBe(10);
      settle(3);
      await arrived(got, 13);
      await channel.setPrefetch?.(tag, 1);
      settle(9);
      await channel.settle(got[settled++] as Delivery, 'ack', { confirm: true });
      await arrived(got, settled + 1);
      expect(held()).toBe(1);
      while (settled < 100) {
        await arrived(got, settled + 1);
        expect(held()).toBe(1);
        settle(1);
      }
      expect(texts(got)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
      await channel.cancel(tag);
    });

    it('hands over no more than the channel as a whole may hold', async () => {
      const mine = await one.channel();
      const queues = [await declareQueue(mine), await declareQueue(mine)];
      for (const queue of queues) await publish(queue, ...'abcdefghij');
      await mine.setChannelPrefetch?.(5);
      const all: Delivery[] = [];
      for (const queue of queues) {
        await mine.consume(request(queue, { prefetch: 0 }), (delivery) => {
          all.push(delivery);
        });
      }
      for (let settled = 0; settled < 20; settled++) {
        await arrived(all, Math.min(20, settled + 5));
        expect(all.length - settled).toBeLessThanOrEqual(5);
        mine.settle(all[settled] as Delivery, 'ack');
      }
      await mine.close();
    });

    it('acks of one tick reach the broker exactly, whatever their order', async () => {
      const queue = await declareQueue(channel);
      await publish(queue, ...Array.from({ length: 20 }, (_, i) => String(i)));
      const { got, tag } = await collect(queue);
      await arrived(got, 20);
      // 7 and 13 stay; the rest is acked in any order, one of them rejected, in one tick.
      for (const i of [19, 3, 0, 1, 18, 2, 4, 6, 5, 12, 8, 10, 9, 11, 14, 15, 17])
        channel.settle(got[i] as Delivery, 'ack');
      channel.settle(got[16] as Delivery, 'reject');
      await channel.cancel(tag);
      await channel.settle(got[7] as Delivery, 'requeue', { confirm: true });
      await channel.settle(got[13] as Delivery, 'requeue', { confirm: true });
      const left = [await channel.get(queue, { noAck: true }), await channel.get(queue, { noAck: true })];
      expect(texts(left as Delivery[]).sort()).toEqual(['13', '7']);
      expect(await channel.get(queue)).toBeUndefined();
    });

    it('multiple settles what came before on all consumers of the channel, and no later ones', async () => {
      const mine = await one.channel();
      const queues = [await declareQueue(mine), await declareQueue(mine)];
      const all: Delivery[] = [];
      for (const queue of queues) {
        await mine.consume(request(queue), (delivery) => {
          all.push(delivery);
        });
      }
      for (let i = 0; i < 10; i++) {
        await publish(queues[i % 2] as string, String(i));
        await arrived(all, i + 1);
      }
      await mine.settle(all[6] as Delivery, 'ack', { multiple: true, confirm: true });
      for (const delivery of all.slice(0, 7)) {
        expect(() => mine.settle(delivery, 'ack')).toThrow(
          expect.objectContaining({ code: 'ERR_KOMBU_ALREADY_SETTLED' }),
        );
      }
      await mine.close();
      expect((await count(queues[0] as string)) + (await count(queues[1] as string))).toBe(3);
    });

    it('puts what it holds back on recover, and delivers it again', async () => {
      const queue = await declareQueue(channel);
      await publish(queue, 'a', 'b', 'c');
      const { got, tag } = await collect(queue);
      await arrived(got, 3);
      channel.settle(got[0] as Delivery, 'ack');
      await channel.recover?.({ requeue: true });
      await arrived(got, 5);
      expect(texts(got.slice(3))).toEqual(['b', 'c']);
      expect(got[3]?.redelivered).toBe(true);
      expect(() => channel.settle(got[1] as Delivery, 'ack')).toThrow(
        expect.objectContaining({ code: 'ERR_KOMBU_ALREADY_SETTLED' }),
      );
      for (const delivery of got.slice(3)) channel.settle(delivery, 'ack');
      await channel.cancel(tag);
    });

    it('after cancel delivers nothing, keeps what is in hand settleable, and frees the tag', async () => {
      const queue = await declareQueue(channel);
      await publish(queue, ...Array.from({ length: 50 }, (_, i) => String(i)));
      const { got, tag } = await collect(queue, { prefetch: 5 });
      await arrived(got, 5);
      await channel.cancel(tag);
      await channel.cancel(tag);
      expect(got).toHaveLength(5);
      const again = await collect(queue, { tag, prefetch: 50 });
      await arrived(again.got, 45);
      expect(got).toHaveLength(5);
      for (const delivery of [...got, ...again.got]) channel.settle(delivery, 'ack');
      await channel.cancel(tag);
      expect(
        await channel.declareQueue({ name: queue, durable: true, exclusive: false, autoDelete: false, arguments: {} }),
      ).toEqual({
        queue,
        messageCount: 0,
        consumerCount: 0,
      });
    });

    it('says when the queue was deleted under a consumer; what it holds is settled in peace', async () => {
      const mine = await one.channel();
      const queue = await declareQueue(mine);
      await publish(queue, 'a', 'b');
      const { got, tag } = await collect(queue, {}, mine);
      await arrived(got, 2);
      expect(await mine.deleteQueue(queue)).toBe(0);
      await until(() => mine.told.cancelled.length === 1, { what: 'the cancel notification' });
      expect(mine.told.cancelled[0]).toMatchObject({ tag, why: { code: 'ERR_KOMBU_NOT_FOUND' } });
      for (const delivery of got) mine.settle(delivery, 'ack');
      const again = await declareQueue(mine);
      await mine.consume(request(again, { tag }), () => {});
      expect(mine.told).toMatchObject({ warnings: [], cancelled: [{}] });
      await mine.close();
    });

    it('without acks needs none, and takes them all the same', async () => {
      const queue = await declareQueue(channel);
      await publish(queue, 'a', 'b');
      const { got, tag } = await collect(queue, { noAck: true, prefetch: 1 });
      await arrived(got, 2);
      channel.settle(got[0] as Delivery, 'ack');
      channel.settle(got[0] as Delivery, 'reject');
      await channel.cancel(tag);
      expect(await count(queue)).toBe(0);
    });

    it('an aborted consume leaves no consumer, an aborted get no message', async () => {
      const queue = await declareQueue(channel);
      const stop = new AbortController();
      const consuming = channel.consume(request(queue), () => {}, { signal: stop.signal });
      stop.abort();
      await expect(consuming).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
      await publish(queue, 'kept');
      for (let i = 0; i < 20; i++) {
        const once = new AbortController();
        const getting = channel.get(queue, { signal: once.signal });
        if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        once.abort();
        const got = await getting.catch(() => undefined);
        if (got !== undefined) channel.settle(got, 'requeue');
      }
      await until(async () => (await count(queue)) === 1, { what: 'the message back on its queue' });
    });

    it('exclusive keeps others out; noLocal is refused; a tag is used once', async () => {
      const queue = await declareQueue(channel);
      const { tag } = await collect(queue, { exclusive: true });
      await expect(channel.consume(request(queue), () => {})).rejects.toMatchObject({
        code: 'ERR_KOMBU_ACCESS_REFUSED',
      });
      await expect(channel.consume(request(queue, { tag }), () => {})).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
      });
      await expect(channel.consume(request(queue, { noLocal: true }), () => {})).rejects.toMatchObject({
        code: 'ERR_KOMBU_NOT_SUPPORTED',
      });
      await channel.cancel(tag);
    });

    it('a delivery callback that throws harms nobody', async () => {
      const queue = await declareQueue(channel);
      const got: Delivery[] = [];
      const req = request(queue);
      await channel.consume(req, (delivery) => {
        got.push(delivery);
        throw new Error('user code');
      });
      await publish(queue, 'a', 'b');
      await arrived(got, 2);
      for (const delivery of got) channel.settle(delivery, 'ack');
      await channel.cancel(req.tag);
    });
  });
}

if (isUnavailable(broker)) describe('an AMQP channel', () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
else describe('an AMQP channel', () => suite(broker));
