import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  freePort,
  isUnavailable,
  makeCertificates,
  type Rabbitmq,
  startRabbitmq,
  temporaryFolder,
  until,
} from '@kombu/brokers';
import { binding, Connection, Exchange, type Message, Queue } from '@kombu/core';
import { amqp } from '../src/index.js';
import { unique } from './support/link.js';

jest.setTimeout(60_000);
const folder = await temporaryFolder('kombu-amqp-tls');
const certificates = await makeCertificates(folder.path);
const tlsPort = await freePort();
const tls = isUnavailable(certificates)
  ? {}
  : {
      'listeners.ssl.1': `127.0.0.1:${tlsPort}`,
      'ssl_options.cacertfile': certificates.caFile,
      'ssl_options.certfile': certificates.certFile,
      'ssl_options.keyfile': certificates.keyFile,
      'ssl_options.verify': 'verify_peer',
      'ssl_options.fail_if_no_peer_cert': 'false',
      ssl_cert_login_from: 'common_name',
      'auth_mechanisms.1': 'PLAIN',
      'auth_mechanisms.2': 'AMQPLAIN',
      'auth_mechanisms.3': 'EXTERNAL',
    };
const broker = await startRabbitmq({ config: tls });
afterAll(async () => {
  if (!isUnavailable(broker)) await broker.close();
  await folder.remove();
});

function suite(rabbitmq: Rabbitmq): void {
  let connection: Connection;
  let losses = 0;
  const ctl = async (...args: string[]): Promise<string> => rabbitmq.ctl?.(...args) ?? '';
  const enable = (...plugins: string[]) =>
    ctl(
      'eval',
      `{ok, F} = application:get_env(rabbit, enabled_plugins_file), file:write_file(F, "[${plugins.join(',')}].\n"), rabbit_plugins:ensure(F).`,
    );
  beforeAll(async () => {
    connection = new Connection(rabbitmq.url, { transport: amqp });
    connection.on('disconnected', () => {
      losses++;
    });
    await enable('rabbitmq_auth_mechanism_ssl', 'rabbitmq_consistent_hash_exchange');
  });
  afterAll(() => connection.close());

  const declared = async (queue: Queue): Promise<Queue> => {
    await queue.bind(connection).declare();
    return queue;
  };
  const send = (queue: Queue, ids: readonly unknown[], options = {}) =>
    connection.producer().publishMany(ids, { routingKey: queue.name, ...options });
  const take = async (queue: Queue): Promise<Message> => {
    const bound = queue.bind(connection);
    return (await until(() => bound.get(), { what: `a message in ${queue.name}` })) as Message;
  };
  /** Takes n payloads by consuming. */
  const consume = async (queue: Queue, n: number, over = {}): Promise<unknown[]> => {
    const got: unknown[] = [];
    for await (const message of connection.consumer({ queues: [queue], ...over })) {
      got.push(message.payload);
      await message.ack();
      if (got.length === n) break;
    }
    return got;
  };

  it.each(['amqp', 'pyamqp', 'librabbitmq'])('%s:// is RabbitMQ', async (scheme) => {
    await using other = new Connection(rabbitmq.url.replace('amqp', scheme), { transport: amqp });
    await other.connect();
    expect(other.transport).toMatchObject({
      driverType: 'amqp',
      driverName: 'amqplib',
      driverVersion: expect.stringMatching(/^2\.3\./),
    });
    expect(other.capabilities.confirms).toBe(true);
  });

  it('quorum queues take messages, count deliveries and give up at their limit', async () => {
    const dead = await declared(new Queue(unique('dead')));
    const queue = await declared(
      new Queue(unique('quorum'), {
        queueArguments: {
          'x-queue-type': 'quorum',
          'x-delivery-limit': 2,
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': dead.name,
        },
      }),
    );
    await send(queue, ['poison']);
    for (const deliveries of [0, 1, 2]) {
      const message = await take(queue);
      expect(message.headers['x-delivery-count'] ?? 0).toBe(deliveries);
      await message.requeue();
    }
    const message = await take(dead);
    expect(message.payload).toBe('poison');
    const [death] = message.headers['x-death'] as Record<string, unknown>[];
    expect(death).toMatchObject({
      count: 1,
      reason: 'delivery_limit',
      queue: queue.name,
      exchange: '',
      'routing-keys': [queue.name],
    });
    expect(death?.time).toBeInstanceOf(Date);
    await message.ack();
    // Prefetch of its own, raised while running, on the queues that refuse a global one.
    await send(queue, [1, 2, 3, 4]);
    const held: Message[] = [];
    const consumer = connection.consumer({
      queues: [queue],
      prefetchCount: 1,
      onMessage: (m: Message) => void held.push(m),
    });
    await consumer.consume();
    await until(() => held.length === 1, { what: 'one delivery' });
    await consumer.qos({ prefetchCount: 4 });
    await until(() => held.length === 4, { what: 'four deliveries' });
    for (const m of held) await m.ack();
    await consumer.close();
  });

  it('streams are read from where one says, by consumers that do not take away', async () => {
    const queue = await declared(new Queue(unique('stream'), { queueArguments: { 'x-queue-type': 'stream' } }));
    await send(queue, [0, 1, 2, 3, 4]);
    const from = (offset: unknown) =>
      new Queue(queue.name, {
        queueArguments: { 'x-queue-type': 'stream' },
        consumerArguments: { 'x-stream-offset': offset },
      });
    expect(await consume(from('first'), 5, { prefetchCount: 10 })).toEqual([0, 1, 2, 3, 4]);
    expect(await consume(from(3), 2, { prefetchCount: 10 })).toEqual([3, 4]);
    const consumer = connection.consumer({ queues: [from('first')], prefetchCount: 2, onMessage: () => {} });
    await consumer.consume();
    await until(
      () =>
        consumer.qos({ prefetchCount: 5 }).then(
          () => false,
          (error) => error.code === 'ERR_KOMBU_NOT_SUPPORTED',
        ),
      { what: 'the refusal once it is known to be a stream' },
    );
    // Whatever is done with its messages, they stay, and the connection does.
    const bound = queue.bind(connection);
    await expect(bound.get()).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
    await expect(bound.purge()).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
    await consumer.close({ drainMs: 0 });
    let count = 0;
    for await (const message of connection.consumer({ queues: [from('first')], prefetchCount: 2 })) {
      if (++count === 1) await expect(message.requeue()).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
      await message.reject();
      if (count === 5) break;
    }
    expect(await consume(from('first'), 5, { prefetchCount: 10 })).toEqual([0, 1, 2, 3, 4]);
    expect(losses).toBe(0);
  });

  it('consumers of higher priority are served first', async () => {
    const queue = await declared(new Queue(unique('priority')));
    const got: string[] = [];
    const start = async (name: string, priority: number) => {
      const consumer = connection.consumer({
        queues: [new Queue(queue.name, { consumerArguments: { 'x-priority': priority } })],
        prefetchCount: 2,
        onMessage: (message: Message) => {
          got.push(`${name}${message.payload}`);
        },
      });
      await consumer.consume();
      return consumer;
    };
    const consumers = [await start('low', 1), await start('high', 10)];
    await send(queue, [1, 2, 3]);
    await until(() => got.length === 3, { what: 'three deliveries' });
    expect(got).toEqual(['high1', 'high2', 'low3']);
    for (const consumer of consumers) await consumer.close({ drainMs: 0 });
  });

  it('a single active consumer holds the queue until it goes', async () => {
    const queue = await declared(new Queue(unique('single'), { queueArguments: { 'x-single-active-consumer': true } }));
    const got: string[] = [];
    const start = async (name: string) => {
      const onMessage = async (message: Message) => {
        got.push(name);
        await message.ack();
      };
      const consumer = connection.consumer({ queues: [queue], onMessage });
      await consumer.consume();
      return consumer;
    };
    const first = await start('first');
    const second = await start('second');
    await send(queue, [1, 2]);
    await until(() => got.length === 2, { what: 'two deliveries' });
    await first.close();
    await send(queue, [3]);
    await until(() => got.length === 3, { what: 'the third' });
    expect(got).toEqual(['first', 'first', 'second']);
    await second.close();
  });

  it('expired, rejected and surplus messages go to the dead-letter exchange, by the clock in milliseconds', async () => {
    const exchange = new Exchange(unique('dlx'), { type: 'topic' });
    const dead = await declared(new Queue(unique('dead'), { exchange, routingKey: '#' }));
    const queue = await declared(
      new Queue(unique('short'), {
        messageTtlMs: 60_000,
        maxLength: 2,
        queueArguments: { 'x-dead-letter-exchange': exchange.name },
      }),
    );
    await send(queue, ['surplus', 'expired', 'rejected'], { expirationMs: 60_000 });
    const first = await take(dead);
    expect([first.payload, (first.headers['x-death'] as { reason: string }[])[0]?.reason]).toEqual([
      'surplus',
      'maxlen',
    ]);
    await first.ack();
    await queue.bind(connection).purge();
    await send(queue, ['expired'], { expirationMs: 30 });
    const second = await take(dead);
    expect([second.payload, second.headers['x-first-death-reason']]).toEqual(['expired', 'expired']);
    expect((second.headers['x-death'] as object[])[0]).toMatchObject({ 'original-expiration': '30' });
    await second.ack();
    await send(queue, ['rejected']);
    await (await take(queue)).reject();
    expect((await take(dead)).headers['x-first-death-reason']).toBe('rejected');
  });

  it('a delay is a queue whose messages expire into another', async () => {
    const work = await declared(new Queue(unique('work')));
    const delay = await declared(
      new Queue(unique('delay'), {
        expiresMs: 60_000,
        queueArguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': work.name },
      }),
    );
    const began = performance.now();
    await send(delay, ['later'], { expirationMs: 200 });
    expect(await consume(work, 1)).toEqual(['later']);
    expect(performance.now() - began).toBeGreaterThanOrEqual(195);
  });

  it('priorities are served highest first, up to what the queue allows', async () => {
    const queue = await declared(new Queue(unique('prio'), { maxPriority: 10 }));
    for (const priority of [0, 3, 10, 3, 200]) {
      await connection.producer().publish(priority, { routingKey: queue.name, priority });
    }
    expect(await consume(queue, 5, { prefetchCount: 1 })).toEqual([10, 200, 3, 3, 0]);
  });

  it('headers exchanges match integers, text, and more than one binding of a queue gives one copy', async () => {
    const exchange = new Exchange(unique('headers'), { type: 'headers' });
    const queue = await declared(
      new Queue(unique('matched'), {
        bindings: [
          binding(exchange, { arguments: { 'x-match': 'all', size: 200, kind: 'a' } }),
          binding(exchange, { arguments: { 'x-match': 'any', size: 200, big: 2 ** 40 } }),
        ],
      }),
    );
    const producer = connection.producer({ exchange });
    await producer.publish('both', { headers: { size: 200, kind: 'a' } });
    await producer.publish('none', { headers: { size: 201, kind: 'a' } });
    await producer.publish('any', { headers: { big: 2 ** 40 } });
    expect(await consume(queue, 2)).toEqual(['both', 'any']);
    expect(await queue.bind(connection).purge()).toBe(0);
  });

  it('an alternate exchange gets what finds no queue, and mandatory is content with it', async () => {
    const unrouted = new Exchange(unique('unrouted'), { type: 'fanout' });
    const queue = await declared(new Queue(unique('rest'), { exchange: unrouted }));
    const exchange = new Exchange(unique('main'), { arguments: { 'alternate-exchange': unrouted.name } });
    await exchange.bind(connection).declare();
    await connection.producer({ exchange }).publish('stray', { routingKey: 'nobody', mandatory: true });
    expect(await consume(queue, 1)).toEqual(['stray']);
  });

  it('exchange types of plugins pass through', async () => {
    const exchange = new Exchange(unique('hash'), { type: 'x-consistent-hash' });
    const queue = await declared(new Queue(unique('hashed'), { exchange, routingKey: '1' }));
    expect(connection.supportsExchangeType('x-consistent-hash')).toBe(true);
    await connection.producer({ exchange }).publish('hashed', { routingKey: 'any key' });
    expect(await consume(queue, 1)).toEqual(['hashed']);
  });

  it('EXTERNAL is the client certificate', async () => {
    if (isUnavailable(certificates)) throw new Error(certificates.unavailable);
    await ctl('add_user', 'localhost', 'x');
    await ctl('set_permissions', 'localhost', '.*', '.*', '.*');
    const options = {
      ca: readFileSync(certificates.caFile),
      cert: readFileSync(certificates.certFile),
      key: readFileSync(certificates.keyFile),
    };
    await using external = new Connection(`amqps://127.0.0.1:${tlsPort}//`, {
      transport: amqp,
      loginMethod: 'EXTERNAL',
      tls: options,
    });
    await external.connect();
    expect(await ctl('list_connections', '--silent', 'user', 'auth_mechanism')).toMatch(/localhost\s+EXTERNAL/);
    const anonymous = new Connection(`amqps://127.0.0.1:${tlsPort}//`, {
      transport: amqp,
      loginMethod: 'EXTERNAL',
      tls: { ca: options.ca },
    });
    await expect(anonymous.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED' });
    await anonymous.close();
  });
}

if (isUnavailable(broker)) describe('RabbitMQ features', () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
else describe('RabbitMQ features', () => suite(broker));
