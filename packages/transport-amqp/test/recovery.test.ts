import { once } from 'node:events';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { freePort, isUnavailable, type Rabbitmq, startProxy, startRabbitmq, until } from '@kombu/brokers';
import { Connection, type ConnectionOptions, Exchange, KombuError, type Message, Queue } from '@kombu/core';
import { amqp } from '../src/index.js';
import { unique } from './support/link.js';

jest.setTimeout(120_000);
const SCALE = Number(process.env.KOMBU_TEST_SCALE ?? '0.2');
const QUICK = { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 };
const broker = await startRabbitmq({ config: { consumer_timeout: 3000 } });
afterAll(() => (isUnavailable(broker) ? undefined : broker.close()));

interface Id {
  readonly id: number;
}

function suite(rabbitmq: Rabbitmq): void {
  const open = (url = rabbitmq.url, options: ConnectionOptions = {}) =>
    new Connection(url, { transport: amqp, reconnect: QUICK, ...options });
  const ctl = async (...args: string[]): Promise<string> => rabbitmq.ctl?.(...args) ?? '';
  const revived = async (connection: Connection) => once(connection as never, 'revived');

  /** Consumes ids, acking each; what died with its link comes again. */
  async function collect(connection: Connection, queue: Queue, prefetchCount = 100) {
    const seen = new Map<number, number>();
    const consumer = connection.consumer({
      queues: [queue],
      prefetchCount,
      onMessage: async (message: Message) => {
        const { id } = message.payload as Id;
        seen.set(id, (seen.get(id) ?? 0) + 1);
        await message.ack().catch((error: unknown) => {
          if (!KombuError.is(error, 'ERR_KOMBU_STALE_DELIVERY')) throw error;
        });
      },
    });
    await consumer.consume();
    return { seen, consumer };
  }

  it('loses nothing that was confirmed when the broker is killed twice in the middle of everything', async () => {
    const total = Math.round(20_000 * SCALE);
    const queue = new Queue(unique('killed'));
    const publishing = open();
    const consuming = open();
    const { seen } = await collect(consuming, queue);
    const producer = publishing.producer();
    const confirmed: number[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < total) {
        const id = next++;
        await producer.publish({ id }, { routingKey: queue.name, declare: [queue], retry: true, timeoutMs: 100_000 });
        confirmed.push(id);
      }
    };
    const lanes = Promise.all(Array.from({ length: 64 }, lane));
    for (const part of [1 / 3, 2 / 3]) {
      await until(() => confirmed.length >= total * part, { what: `${total * part} confirms`, timeoutMs: 60_000 });
      await rabbitmq.kill?.();
      await rabbitmq.start?.();
    }
    await lanes;
    expect(confirmed).toHaveLength(total);
    await until(() => seen.size === total, { what: 'every message', timeoutMs: 60_000 });
    await publishing.close();
    await consuming.close();
  });

  it('fails over from a host that is dead, and from one that dies', async () => {
    await using proxy = await startProxy(rabbitmq.port);
    const dead = `amqp://guest:guest@127.0.0.1:${await freePort()}//`;
    const connection = open(`${dead};${proxy.through(rabbitmq.url)};${rabbitmq.url}`);
    const queue = new Queue(unique('failover'));
    const { seen } = await collect(connection, queue);
    const producer = connection.producer();
    await producer.publish({ id: 1 }, { routingKey: queue.name, retry: true });
    await until(() => seen.has(1), { what: 'the first message' });
    const back = revived(connection);
    proxy.cut();
    await back;
    await producer.publish({ id: 2 }, { routingKey: queue.name, retry: true });
    await until(() => seen.has(2), { what: 'the message by way of the other host' });
    await connection.close();
  });

  it('puts everything back: exchanges, chains, bindings, queues of every kind, consumers; and says so', async () => {
    const connection = open();
    const source = new Exchange(unique('source'), { type: 'topic', durable: false, autoDelete: true });
    const target = new Exchange(unique('target'), { type: 'headers', durable: false });
    const queue = new Queue(unique('exclusive'), {
      exchange: target,
      exclusive: true,
      bindingArguments: { 'x-match': 'all', kind: 'wanted' },
    });
    const { seen } = await collect(connection, queue);
    await source.bind(connection).declare();
    await target.bind(connection).bindTo(source, { routingKey: 'a.*' });
    const back = revived(connection);
    await rabbitmq.killConnections?.();
    const [what] = await back;
    expect(what).toMatchObject({ failed: [], consumers: [expect.any(String)] });
    await connection
      .producer({ exchange: source })
      .publish({ id: 7 }, { routingKey: 'a.b', headers: { kind: 'wanted' } });
    await until(() => seen.has(7), { what: 'the message through both exchanges' });
    await connection.close();
  });

  it('subscribes again when only the queue died, and declares it again when somebody deleted it', async () => {
    const connection = open();
    const queue = new Queue(unique('crashing'));
    const { seen, consumer } = await collect(connection, queue);
    const producer = connection.producer();
    await producer.publish({ id: 1 }, { routingKey: queue.name });
    await until(() => seen.has(1), { what: 'the first message' });
    await ctl(
      'eval',
      `{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"${queue.name}">>)), exit(amqqueue:get_pid(Q), kill).`,
    );
    await producer.publish({ id: 2 }, { routingKey: queue.name, retry: true });
    await until(() => seen.has(2), { what: 'the message after the crash of the queue' });
    // Somebody else deletes it: it is declared again, with its bindings, and consumed.
    await using other = open();
    const told = once(consumer as never, 'cancelled');
    const back = once(consumer as never, 'revived');
    await queue.bind(other).delete();
    expect((await told)[0]).toMatchObject({ queue: queue.name, error: { code: 'ERR_KOMBU_NOT_FOUND' } });
    await back;
    await producer.publish({ id: 3 }, { routingKey: queue.name, mandatory: true });
    await until(() => seen.has(3), { what: 'the message in the queue that was declared again' });
    // We delete it ourselves: that is that.
    const cancelled = once(consumer as never, 'cancelled');
    await queue.bind(connection).delete();
    expect((await cancelled)[0]).toMatchObject({ queue: queue.name, error: { code: 'ERR_KOMBU_NOT_FOUND' } });
    await connection.close();
  });

  it('a consumer whose ack comes too late for the broker goes on; the late ack is stale', async () => {
    const connection = open();
    const queue = new Queue(unique('late'));
    const other = new Queue(unique('other'));
    const held = new Map<number, Message>();
    const consumer = connection.consumer({
      queues: [queue, other],
      onMessage: (message: Message) => {
        held.set((message.payload as Id).id, message);
      },
    });
    await consumer.consume();
    const producer = connection.producer();
    await producer.publish({ id: 1 }, { routingKey: queue.name });
    await producer.publish({ id: 2 }, { routingKey: other.name });
    await until(() => held.size === 2, { what: 'both messages' });
    const first = held.get(1) as Message;
    held.delete(1);
    // RabbitMQ looks for late acks once a minute; this is that look.
    await until(
      async () => {
        await ctl('eval', '[P ! tick || P <- rabbit_channel:list()].');
        return held.has(1);
      },
      { what: 'the message again', timeoutMs: 60_000 },
    );
    await expect(first.ack()).rejects.toMatchObject({ code: 'ERR_KOMBU_STALE_DELIVERY' });
    await held.get(1)?.ack({ confirm: true });
    await connection.close();
  });

  it('tells of an alarm, and lets waiting publishes go on or end by their deadline', async () => {
    const connection = open();
    const queue = new Queue(unique('alarm'));
    const events: string[] = [];
    connection.on('blocked', () => events.push('blocked'));
    connection.on('unblocked', () => events.push('unblocked'));
    const producer = connection.producer();
    await producer.publish({ id: 0 }, { routingKey: queue.name, declare: [queue] });
    await ctl('set_vm_memory_high_watermark', '0.000001');
    const waiting = producer.publish({ id: 1 }, { routingKey: queue.name });
    await until(() => events.length === 1, { what: 'the alarm', timeoutMs: 20_000 });
    const late = producer.publish({ id: 2 }, { routingKey: queue.name, timeoutMs: 300 });
    await expect(late).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'no' });
    await ctl('set_vm_memory_high_watermark', '0.9');
    await waiting;
    expect(events).toEqual(['blocked', 'unblocked']);
    expect(await queue.bind(connection).purge()).toBe(2);
    await connection.close();
  });

  it('never tries refused credentials again', async () => {
    const connection = open(rabbitmq.url.replace('guest:guest', 'guest:wrong'));
    const errors: unknown[] = [];
    connection.on('error', (error) => errors.push(error));
    await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED' });
    await expect(new Queue('q').bind(connection).declare()).rejects.toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED' });
    await expect(connection.ensureConnection({ maxRetries: 5 })).rejects.toMatchObject({
      code: 'ERR_KOMBU_AUTH_FAILED',
    });
    await connection.close();
  });
}

if (isUnavailable(broker)) describe('recovery', () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
else describe('recovery', () => suite(broker));
