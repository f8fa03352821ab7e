import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { freePort, isUnavailable, type Rabbitmq, startProxy, startRabbitmq, until } from '@kombu/brokers';
import { type Delivery, KombuError, silentLogger, systemClock } from '@kombu/core';
import { amqp } from '../src/index.js';
import { declareQueue, message, openLink, request, target, unique } from './support/link.js';

jest.setTimeout(30_000);
const broker = await startRabbitmq({ tls: true });
afterAll(() => (isUnavailable(broker) ? undefined : broker.close()));

function suite(rabbitmq: Rabbitmq): void {
  const { url } = rabbitmq;
  const ctl = async (...args: string[]): Promise<string> => {
    if (rabbitmq.ctl === undefined) throw new Error('this broker is not ours');
    return rabbitmq.ctl(...args);
  };

  describe('connecting', () => {
    it('says which broker it is', async () => {
      const { link } = await openLink(url);
      expect(link.serverVersion).toMatch(/^\d+\.\d+/);
      expect(link.heartbeatMs).toBe(60_000);
      await link.close();
      expect(await link.closed).toBeUndefined();
    });

    it('tells the broker who it is', async () => {
      const { link } = await openLink(url, {
        options: { connectionName: 'the name', clientProperties: { product: 'an app', answer: 42 } },
      });
      const listed = await ctl('list_connections', '--silent', 'client_properties');
      expect(listed).toContain('{"connection_name","the name"}');
      expect(listed).toContain('{"product","an app"}');
      expect(listed).toContain('{"answer",42}');
      expect(listed).toMatch(/\{"version","\d+\.\d+\.\d+"\}/);
      for (const capability of ['consumer_cancel_notify', 'connection.blocked', 'publisher_confirms']) {
        expect(listed).toContain(`{"${capability}",true}`);
      }
      await link.close();
    });

    it.each(['PLAIN', 'AMQPLAIN', 'amqplain'])('logs in with %s', async (loginMethod) => {
      const { link } = await openLink(url, { loginMethod });
      await link.close();
    });

    it.each([
      ['a wrong password', { password: 'secret-password' }],
      ['an unknown user', { userid: 'nobody', password: 'secret-password' }],
      ['a method that the broker does not have', { loginMethod: 'EXTERNAL' }],
      ['a wrong password in AMQPLAIN', { loginMethod: 'AMQPLAIN', password: 'secret-password' }],
    ])('is AUTH_FAILED with %s, and keeps the secret', async (_, over) => {
      const error = await openLink(url, over).then(undefined, (e: unknown) => e);
      expect(error).toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED', retryable: false });
      expect(`${error} ${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain('secret-password');
    });

    it('says why a virtual host is refused, and takes one with any name', async () => {
      await expect(openLink(url, { virtualHost: 'nowhere' })).rejects.toMatchObject({
        code: 'ERR_KOMBU_AUTH_FAILED',
        message: expect.stringContaining('vhost nowhere not found'),
      });
      await ctl('add_vhost', 'forbidden');
      await expect(openLink(url, { virtualHost: 'forbidden' })).rejects.toMatchObject({
        code: 'ERR_KOMBU_AUTH_FAILED',
        message: expect.stringContaining("access to vhost 'forbidden' refused for user 'guest'"),
      });
      await ctl('add_vhost', 'full');
      await ctl('set_permissions', '-p', 'full', 'guest', '.*', '.*', '.*');
      await ctl('set_vhost_limits', '-p', 'full', '{"max-connections": 0}');
      await expect(openLink(url, { virtualHost: 'full' })).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECT_REFUSED',
        retryable: true,
        message: expect.stringContaining('limit'),
      });
      const name = '/a b%2f\u2603?x';
      await ctl('add_vhost', name);
      await ctl('set_permissions', '-p', name, 'guest', '.*', '.*', '.*');
      const { link, channel } = await openLink(url, { virtualHost: name });
      await declareQueue(await channel());
      await link.close();
      expect(await ctl('list_queues', '-p', name, '--silent', 'name')).toContain('queue-');
    });

    it('is an option error for an unknown login method', async () => {
      await expect(openLink(url, { loginMethod: 'GSSAPI' })).rejects.toMatchObject({
        code: 'ERR_KOMBU_INVALID_OPTION',
      });
    });

    it('is CONNECT_REFUSED where nobody listens, and where somebody else does', async () => {
      const nobody = `amqp://guest:guest@127.0.0.1:${await freePort()}`;
      await expect(openLink(nobody)).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED', retryable: true });
      await expect(openLink('amqp://guest:guest@nowhere.invalid:1')).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECT_REFUSED',
      });
      const server = createServer((socket) =>
        socket
          .resume()
          .end('HTTP/1.1 400 Bad Request\r\n\r\n')
          .on('error', () => {}),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      await expect(openLink(`amqp://guest:guest@127.0.0.1:${port}`)).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECT_REFUSED',
      });
      await new Promise((resolve) => server.close(resolve));
    });

    it('ends at connectTimeoutMs, and at once when it is aborted, at whatever it was', async () => {
      await using proxy = await startProxy(rabbitmq.port);
      proxy.freeze();
      const began = performance.now();
      await expect(openLink(proxy.through(url), { connectTimeoutMs: 200 })).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECT_TIMEOUT',
        retryable: true,
      });
      expect(performance.now() - began).toBeLessThan(2000);
      for (const scheme of ['amqp', 'amqps']) {
        const stop = new AbortController();
        const tls = scheme === 'amqps' ? { rejectUnauthorized: false } : undefined;
        const context = {
          signal: stop.signal,
          logger: silentLogger,
          clock: systemClock,
          connectionId: 'x',
          warn() {},
          blocked() {},
          unblocked() {},
        };
        const before = proxy.connections;
        const connecting = amqp.connect(target(proxy.through(url), { scheme, tls }), context);
        await until(() => proxy.connections > before, { what: 'the connection' });
        stop.abort();
        await expect(connecting).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
      }
    });

    it('over TLS verifies the broker, also when the scheme alone asks for it', async () => {
      const { tlsUrl, caFile } = rabbitmq;
      if (tlsUrl === undefined || caFile === undefined) throw new Error('this broker has no TLS');
      const ca = readFileSync(caFile);
      const { link, channel } = await openLink(tlsUrl, { tls: { ca } });
      const one = await channel();
      const queue = await declareQueue(one);
      await one.publish(message(Buffer.alloc(300_000, 1)), { exchange: '', routingKey: queue });
      expect((await one.get(queue, { noAck: true }))?.body).toHaveLength(300_000);
      await link.close();
      for (const tls of [{}, undefined]) {
        await expect(openLink(tlsUrl, { tls })).rejects.toMatchObject({
          code: 'ERR_KOMBU_CONNECT_REFUSED',
          retryable: false,
        });
      }
    });
  });

  describe('an established connection', () => {
    const filled = async (connection: Awaited<ReturnType<typeof openLink>>) => {
      const channel = await connection.channel();
      const queue = await declareQueue(channel);
      const got: Delivery[] = [];
      await channel.publish(message('held'), { exchange: '', routingKey: queue });
      await channel.consume(request(queue), (delivery) => got.push(delivery));
      await until(() => got.length === 1, { what: 'the delivery' });
      return { channel, queue, delivery: got[0] as Delivery };
    };
    /** Whether the socket is gone, however frozen it was. */
    const isDestroyed = (connection: Awaited<ReturnType<typeof openLink>>): boolean =>
      (connection.link.driver as { connection: { stream: Duplex } }).connection.stream.destroyed;
    const isLost = async (
      connection: Awaited<ReturnType<typeof openLink>>,
      since: Awaited<ReturnType<typeof filled>>,
    ) => {
      const { channel, queue, delivery } = since;
      const reason = await connection.link.closed;
      expect(reason).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST', retryable: true });
      expect(await channel.closed).toBe(reason);
      for (const outcome of ['ack', 'reject', 'requeue', 'release'] as const) {
        expect(() => channel.settle(delivery, outcome)).toThrow(
          expect.objectContaining({ code: 'ERR_KOMBU_STALE_DELIVERY' }),
        );
      }
      const lost = { code: 'ERR_KOMBU_CONNECTION_LOST' };
      await expect(channel.publish(message('x'), { exchange: '', routingKey: queue })).rejects.toMatchObject(lost);
      await expect(channel.get(queue)).rejects.toMatchObject(lost);
      await expect(channel.consume(request(queue), () => {})).rejects.toMatchObject(lost);
      await expect(channel.purgeQueue(queue)).rejects.toMatchObject(lost);
      await expect(connection.channel()).rejects.toMatchObject(lost);
      await channel.close();
      await connection.link.close();
      connection.link.destroy();
    };

    it('says when the broker closed it, and what was under way fails', async () => {
      const connection = await openLink(url);
      const since = await filled(connection);
      const publishing = since.channel.publish(message('x'), { exchange: '', routingKey: since.queue });
      await publishing;
      await rabbitmq.killConnections?.();
      await isLost(connection, since);
    });

    it('says when the network reset it', async () => {
      await using proxy = await startProxy(rabbitmq.port);
      const connection = await openLink(proxy.through(url));
      const since = await filled(connection);
      const declaring = since.channel.declareQueue({
        name: '',
        durable: false,
        exclusive: true,
        autoDelete: false,
        arguments: {},
      });
      const publishing = since.channel.publish(message('x'), { exchange: '', routingKey: since.queue });
      proxy.drop();
      const results = await Promise.allSettled([declaring, publishing]);
      for (const result of results)
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_KOMBU_CONNECTION_LOST' } });
      await isLost(connection, since);
    });

    it('notices a frozen socket by its heartbeat, with nothing to do and nobody consuming', async () => {
      await using proxy = await startProxy(rabbitmq.port);
      const connection = await openLink(proxy.through(url), { heartbeatMs: 1000 });
      const since = await filled(connection);
      const began = performance.now();
      proxy.freeze();
      await isLost(connection, since);
      expect(performance.now() - began).toBeLessThan(5000);
      expect(isDestroyed(connection)).toBe(true);
    });

    it('stays when it is idle for longer than its heartbeat', async () => {
      const connection = await openLink(url, { heartbeatMs: 1000 });
      const channel = await connection.channel();
      const began = performance.now();
      await until(() => performance.now() - began > 3500, { what: 'three heartbeats and a half' });
      await declareQueue(channel);
      await connection.link.close();
    });

    it('gives up at readTimeoutMs when an answer is owed, and not before', async () => {
      await using proxy = await startProxy(rabbitmq.port);
      const connection = await openLink(proxy.through(url), { heartbeatMs: 0, options: { readTimeoutMs: 300 } });
      const since = await filled(connection);
      const began = performance.now();
      await until(() => performance.now() - began > 900, { what: 'some silence' });
      proxy.freeze();
      await expect(
        since.channel.publish(message('x'), { exchange: '', routingKey: since.queue }),
      ).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECTION_LOST',
      });
      await isLost(connection, since);
    });

    it('gives up at writeTimeoutMs when the network takes nothing', async () => {
      const connection = await openLink(url, { heartbeatMs: 0, options: { writeTimeoutMs: 300 } });
      const since = await filled(connection);
      rabbitmq.freeze?.();
      try {
        const body = Buffer.alloc(4 * 1024 * 1024);
        const sending = [1, 2, 3, 4].map(async () =>
          since.channel.publish(message(body), { exchange: '', routingKey: since.queue }),
        );
        const results = await Promise.allSettled(sending);
        expect(results[3]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_KOMBU_CONNECTION_LOST' } });
        await isLost(connection, since);
      } finally {
        rabbitmq.thaw?.();
      }
    });

    it('a publish ends by its deadline when the broker does not answer, and says what is known', async () => {
      await using proxy = await startProxy(rabbitmq.port);
      const connection = await openLink(proxy.through(url), { heartbeatMs: 0 });
      const { channel, queue } = await filled(connection);
      proxy.freeze();
      const route = { exchange: '', routingKey: queue };
      const sent = channel.publish(message('x'), route, { deadline: performance.now() + 100 });
      await expect(sent).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'maybe' });
      const held = channel.publish(
        message('x'),
        { exchange: 'unseen', routingKey: '' },
        { deadline: performance.now() + 100 },
      );
      await expect(held).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'no' });
      const stop = new AbortController();
      const declaring = channel.purgeQueue(queue, { signal: stop.signal });
      stop.abort();
      await expect(declaring).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
      connection.link.destroy();
      expect(await connection.link.closed).toBeUndefined();
      expect(isDestroyed(connection)).toBe(true);
    });

    it('holds publishes back while an alarm blocks the broker, and sends them afterwards', async () => {
      const connection = await openLink(url);
      const { channel, queue } = await filled(connection);
      const route = { exchange: '', routingKey: queue };
      await ctl('set_vm_memory_high_watermark', '0.000001');
      try {
        // The broker says so when the first message comes.
        const first = channel.publish(message('first'), route);
        await until(() => connection.blocked.length === 1, { what: 'the blocked notification', timeoutMs: 20_000 });
        expect(connection.blocked[0]).toEqual(expect.stringContaining('memory'));
        const held = channel.publish(message('held'), route);
        const late = channel.publish(message('late'), route, { deadline: performance.now() + 200 });
        await expect(late).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'no' });
        await ctl('set_vm_memory_high_watermark', '0.9');
        await Promise.all([first, held]);
        expect(connection.blocked).toEqual([expect.any(String), undefined]);
        expect(await channel.purgeQueue(queue)).toBeGreaterThanOrEqual(0);
      } finally {
        await ctl('set_vm_memory_high_watermark', '0.9');
      }
      await connection.link.close();
    });

    it('an exchange type that the broker does not have is NOT_SUPPORTED, and costs nobody the connection', async () => {
      const connection = await openLink(url);
      const { channel, delivery } = await filled(connection);
      const exchange = { name: unique('x'), type: 'x-unheard-of', durable: false, autoDelete: false, arguments: {} };
      await expect(channel.declareExchange(exchange)).rejects.toMatchObject({
        code: 'ERR_KOMBU_NOT_SUPPORTED',
        message: expect.stringContaining('x-unheard-of'),
      });
      channel.settle(delivery, 'ack');
      await declareQueue(channel);
      await connection.link.close();
    });

    it('is at its limit with as many channels as channelMax allows, and says so', async () => {
      const connection = await openLink(url, { options: { channelMax: 2 } });
      const channel = await connection.channel();
      const queue = await declareQueue(channel);
      await channel.publish(message('x'), { exchange: '', routingKey: queue });
      await expect(channel.consume(request(queue), () => {})).rejects.toMatchObject({
        code: 'ERR_KOMBU_CHANNEL_LIMIT',
      });
      await channel.publish(message('x'), { exchange: '', routingKey: queue });
      await connection.link.close();
    });

    it('leaves nothing behind: AMQP channels go with what they were for', async () => {
      const connection = await openLink(url, { options: { connectionName: unique('leaks') } });
      const channels = async () =>
        Number((await ctl('list_connections', '--silent', '--no-table-headers', 'channels')).trim().split('\n').at(-1));
      const queue = await declareQueue(await connection.channel());
      for (let round = 0; round < 5; round++) {
        const channel = await connection.channel();
        await channel.publish(message('x'), { exchange: '', routingKey: queue });
        const got: Delivery[] = [];
        const { tag, ...rest } = request(queue);
        await channel.consume({ tag, ...rest }, (delivery) => got.push(delivery));
        await until(() => got.length === 1, { what: 'the delivery' });
        await channel.cancel(tag);
        channel.settle(got[0] as Delivery, 'ack');
        await channel.get(queue);
        await channel.close();
      }
      await until(async () => (await channels()) <= 1, { what: 'the channels to go', timeoutMs: 20_000 });
      await connection.link.close();
    });

    it('closes in the middle of everything, twice', async () => {
      const connection = await openLink(url);
      const { channel, queue } = await filled(connection);
      const publishes = Array.from({ length: 100 }, async () =>
        channel.publish(message('x'), { exchange: '', routingKey: queue }),
      );
      await Promise.all([connection.link.close(), connection.link.close(), channel.close()]);
      const results = await Promise.allSettled(publishes);
      const taken = results.filter((r) => r.status === 'fulfilled').length;
      for (const r of results) if (r.status === 'rejected') expect(KombuError.is(r.reason)).toBe(true);
      const again = await openLink(url);
      const left = await (await again.channel()).purgeQueue(queue);
      expect(left).toBeGreaterThanOrEqual(taken + 1);
      await again.link.close();
    });
  });
}

if (isUnavailable(broker)) describe('an AMQP link', () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
else describe('an AMQP link', () => suite(broker));
