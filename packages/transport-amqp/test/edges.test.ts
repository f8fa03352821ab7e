import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, type Rabbitmq, startRabbitmq, until } from '@kombu/brokers';
import type { Delivery, TransportChannel } from '@kombu/core';
import { declareQueue, message, openLink, request, type TestLink, type Told, texts, unique } from './support/link.js';
import { cancelFrame, closeChannelFrame, methodId, type Relay, startRelay } from './support/relay.js';

jest.setTimeout(30_000);
const broker = await startRabbitmq();
afterAll(() => (isUnavailable(broker) ? undefined : broker.close()));

function suite(rabbitmq: Rabbitmq): void {
  const { url } = rabbitmq;
  let one: TestLink;
  let channel: TransportChannel & { readonly told: Told };
  beforeEach(async () => {
    one = await openLink(url);
    channel = await one.channel();
  });
  afterEach(() => one.link.close());

  const to = (queue: string) => ({ exchange: '', routingKey: queue });
  const publish = (queue: string, ...bodies: string[]) =>
    Promise.all(bodies.map((body) => channel.publish(message(body), to(queue))));
  const collect = async (queue: string, over: Parameters<typeof request>[1] = {}, from = channel) => {
    const got: Delivery[] = [];
    const req = request(queue, over);
    await from.consume(req, (delivery) => got.push(delivery));
    return { got, tag: req.tag };
  };
  const arrived = (got: readonly Delivery[], n: number) =>
    until(() => got.length >= n, { what: `${n} deliveries`, timeoutMs: 10_000 });
  const amqpChannels = async (): Promise<number> => {
    const listed = (await rabbitmq.ctl?.('list_channels', '--silent', '--no-table-headers', 'pid')) ?? '';
    return listed.split('\n').filter((line) => line.trim() !== '').length;
  };

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses %s in headers and arguments, over which RabbitMQ ends the connection',
    async (x) => {
      const queue = await declareQueue(channel);
      await expect(channel.publish(message('x', { headers: { deep: [{ x }] } }), to(queue))).rejects.toMatchObject({
        code: 'ERR_KOMBU_ENCODE',
        message: expect.stringContaining('deep.0.x'),
      });
      await expect(declareQueue(channel, { 'x-other': x })).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
        message: expect.stringContaining('x-other'),
      });
      await publish(queue, 'after');
      expect(await channel.purgeQueue(queue)).toBe(1);
    },
  );

  it('a publish that the broker refuses is told so, and is not to be tried again', async () => {
    await rabbitmq.ctl?.('add_user', 'weak', 'weak');
    await rabbitmq.ctl?.('set_permissions', 'weak', '', '', '.*');
    const queue = await declareQueue(channel);
    const weak = await openLink(url.replace('guest:guest', 'weak:weak'));
    const refused = (await weak.channel()).publish(message('x'), to(queue));
    await expect(refused).rejects.toMatchObject({ code: 'ERR_KOMBU_ACCESS_REFUSED', retryable: false });
    await weak.link.close();
    for (const over of [{ headers: { CC: 'text' } }, { properties: { deliveryMode: 7 as 1 } }]) {
      const [wrong, next] = [channel.publish(message('x', over), to(queue)), channel.publish(message('y'), to(queue))];
      await expect(wrong).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED', retryable: false });
      await next;
    }
    expect(await channel.purgeQueue(queue)).toBe(2);
  });

  it('multiple settles nothing that is kept back and nobody has seen', async () => {
    const queue = await declareQueue(channel);
    const other = await declareQueue(channel);
    await publish(queue, '1', '2', '3', '4', '5', '6');
    const { got, tag } = await collect(queue, { prefetch: 4 });
    await arrived(got, 4);
    // The new subscription brings two more, for which there is no room yet.
    await channel.setPrefetch?.(tag, 2);
    await until(
      async () =>
        (
          await channel.declareQueue({
            name: queue,
            durable: true,
            exclusive: false,
            autoDelete: false,
            arguments: {},
            passive: true,
          })
        ).messageCount === 0,
      { what: 'all six here' },
    );
    const last = await collect(other);
    await publish(other, 'last');
    await arrived(last.got, 1);
    await channel.settle(last.got[0] as Delivery, 'ack', { multiple: true, confirm: true });
    await arrived(got, 6);
    expect(texts(got)).toEqual(['1', '2', '3', '4', '5', '6']);
    for (const delivery of got.slice(4)) await channel.settle(delivery, 'ack', { confirm: true });
  });

  it('without confirms a publish that waits for the network ends by its deadline, its signal, and with the link', async () => {
    const slow = await openLink(url, { heartbeatMs: 0, options: { confirmPublish: false } });
    const from = await slow.channel();
    const queue = await declareQueue(from);
    await from.publish(message('opens the channel'), to(queue));
    rabbitmq.freeze?.();
    try {
      const stop = new AbortController();
      const body = Buffer.alloc(15 * 1024 * 1024);
      const send = async (o: Parameters<typeof from.publish>[2]) => from.publish(message(body), to(queue), o);
      const late = send({ deadline: performance.now() + 200 });
      const aborted = send({ signal: stop.signal });
      const lost = send({});
      const ends = Promise.allSettled([late, aborted, lost]);
      stop.abort();
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
      await expect(late).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'maybe' });
      slow.link.destroy();
      expect((await ends)[2]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_KOMBU_CLOSED' } });
    } finally {
      rabbitmq.thaw?.();
    }
  });

  it('a publish without confirms ends with a link that is destroyed before the network had it', async () => {
    const short = await openLink(url, { options: { confirmPublish: false } });
    const from = await short.channel();
    const queue = await declareQueue(from);
    await from.publish(message('opens the channel'), to(queue));
    const lost = from.publish(message(Buffer.alloc(1024 * 1024)), to(queue));
    short.link.destroy();
    await expect(lost).rejects.toMatchObject({ code: 'ERR_KOMBU_CLOSED' });
  });

  it('names that RabbitMQ would change are refused', async () => {
    const queue = { durable: false, exclusive: false, autoDelete: true, passive: false, arguments: {} };
    for (const name of ['line\nbreak', 'return\r']) {
      await expect(channel.declareQueue({ ...queue, name })).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
      });
    }
  });

  it('a get that is under way when its channel closes takes nothing and leaves no AMQP channel', async () => {
    const queue = await declareQueue(channel);
    await publish(queue, 'x');
    const before = await amqpChannels();
    for (const opened of [false, true]) {
      const second = await one.channel();
      if (opened) await second.get(await declareQueue(channel));
      const got = second.get(queue);
      const again = second.get(queue);
      const ends = Promise.allSettled([got, again]);
      await second.close();
      for (const end of await ends) expect(end).toMatchObject({ reason: { code: 'ERR_KOMBU_CLOSED' } });
    }
    await until(async () => (await amqpChannels()) === before, { what: 'the channels closed', timeoutMs: 20_000 });
    expect(await channel.purgeQueue(queue)).toBe(1);
  });

  it('gets from more queues than there are AMQP channels for end one by one, and crash nothing', async () => {
    const narrow = await openLink(url, { options: { channelMax: 4 } });
    const from = await narrow.channel();
    const queues = await Promise.all(Array.from({ length: 12 }, () => declareQueue(channel)));
    const unhandled: unknown[] = [];
    const listener = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listener);
    try {
      const ends = await Promise.allSettled(queues.map((queue) => from.get(queue)));
      expect(ends.some(({ status }) => status === 'rejected')).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', listener);
      await narrow.link.close();
    }
  });

  it('what a cancelled consumer holds can be put back, and its AMQP channel goes', async () => {
    const queue = await declareQueue(channel);
    await publish(queue, 'x');
    const before = await amqpChannels();
    const { got, tag } = await collect(queue);
    await arrived(got, 1);
    await channel.cancel(tag);
    await channel.recover?.({ requeue: true });
    await until(async () => (await amqpChannels()) === before, { what: 'its channel closed', timeoutMs: 20_000 });
    expect(await channel.purgeQueue(queue)).toBe(1);
  });

  it('a prefetch that is raised while the consumer starts counts, whenever that is', async () => {
    for (let turns = 0; turns < 60; turns++) {
      const queue = await declareQueue(channel);
      await publish(queue, '1', '2', '3');
      const got: Delivery[] = [];
      const req = request(queue, { prefetch: 1 });
      const starting = channel.consume(req, (delivery) => got.push(delivery));
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      await channel.setPrefetch?.(req.tag, 3);
      await starting;
      await arrived(got, 3);
      await channel.cancel(req.tag);
      for (const delivery of got) await channel.settle(delivery, 'ack');
    }
  });

  it('takes a queue for a queue, though a message in it was copied out of a stream', async () => {
    const queue = await declareQueue(channel);
    await publish(queue, 'its own');
    await channel.publish(message('copied', { headers: { 'x-stream-offset': 5 } }), to(queue));
    // This link has not declared it, and does not know what it is.
    const stranger = await openLink(url);
    const reader = await stranger.channel();
    const { got, tag } = await collect(queue, {}, reader as typeof channel);
    await arrived(got, 2);
    await reader.cancel(tag);
    for (const delivery of got) await reader.settle(delivery, 'requeue', { confirm: true });
    await stranger.link.close();
    expect(await channel.purgeQueue(queue)).toBe(2);
  });

  it('keeps an auto-delete queue whose exclusive consumer changes its prefetch', async () => {
    const name = unique('queue');
    await channel.declareQueue({ name, durable: false, exclusive: true, autoDelete: true, arguments: {} });
    await publish(name, '1', '2', '3', '4');
    const { got, tag } = await collect(name, { exclusive: true, prefetch: 3 });
    await arrived(got, 3);
    await channel.setPrefetch?.(tag, 1);
    await expect(channel.setPrefetch?.(tag, 5)).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
    for (const delivery of [...got]) await channel.settle(delivery, 'ack');
    await arrived(got, 4);
    expect(texts(got)).toEqual(['1', '2', '3', '4']);
    expect(channel.told).toMatchObject({ cancelled: [], warnings: [] });
  });

  describe('between the start of a consumer and its end', () => {
    const CONSUME = methodId(60, 20);
    const CONSUME_OK = methodId(60, 21);
    const CANCEL = methodId(60, 30);
    let relay: Relay;
    let far: TestLink;
    let consuming: typeof channel;
    beforeEach(async () => {
      relay = await startRelay(rabbitmq.port);
      far = await openLink(url.replace(`:${rabbitmq.port}`, `:${relay.port}`));
      consuming = await far.channel();
    });
    afterEach(async () => {
      await far.link.close();
      await relay.close();
    });
    const said = (method: Buffer) =>
      until(() => relay.held().includes(method), { what: 'the broker has said it', timeoutMs: 20_000 });

    it('hears in one breath that its queue was deleted', async () => {
      const queue = await declareQueue(channel);
      relay.holdAfter(CONSUME);
      const starting = collect(queue, {}, consuming);
      await said(CONSUME_OK);
      await channel.deleteQueue(queue);
      await said(CANCEL);
      relay.release();
      await expect(starting).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
    });

    it('hears in one breath that its channel is closed', async () => {
      const queue = await declareQueue(channel);
      relay.holdAfter(CONSUME);
      const starting = collect(queue, {}, consuming);
      await said(CONSUME_OK);
      relay.release(closeChannelFrame(relay.held().readUInt16BE(1), 406, 'no'));
      await expect(starting).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
    });

    it('gets nothing more when it is cancelled while it subscribes again', async () => {
      const queue = await declareQueue(channel);
      await publish(queue, 'held');
      relay.holdAfter(CONSUME);
      const starting = collect(queue, {}, consuming);
      await said(CONSUME_OK);
      const number = relay.held().readUInt16BE(1);
      relay.release();
      const { got, tag } = await starting;
      await arrived(got, 1);
      // The broker, which has not ended the first subscription, is asked for a second one.
      relay.holdAfter(CONSUME);
      relay.release(cancelFrame(number, tag));
      await said(CONSUME_OK);
      const look = { name: queue, durable: true, exclusive: false, autoDelete: false, passive: true, arguments: {} };
      const subscriptions = async () => (await channel.declareQueue(look)).consumerCount;
      expect(await subscriptions()).toBe(2);
      const cancelled = consuming.cancel(tag);
      relay.release();
      await cancelled;
      await until(async () => (await subscriptions()) === 1, { what: 'the second one has ended', timeoutMs: 5_000 });
    });
  });
}

if (isUnavailable(broker)) describe('edges', () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
else describe('edges', () => suite(broker));
