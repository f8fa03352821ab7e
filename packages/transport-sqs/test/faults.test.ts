import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { type SqsFault, startProxy, until } from '@kombu/brokers';
import { Connection, type ConnectionOptions, Exchange, type KombuError, type Message, Queue } from '@kombu/core';
import { sqs } from '../src/index.js';
import { startService, WAIT_MS } from './support/sqs.js';

jest.setTimeout(60_000);

const service = await startService();
const { server } = service;
const RECONNECT = { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 };

afterEach(() => server.faults([]));
afterAll(() => service.close());

const fault = (action: string, code: string, o: Partial<SqsFault> = {}): SqsFault => ({
  action,
  times: 1,
  code,
  message: `${code}, says the test`,
  ...o,
});
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Consumes and acknowledges; tells which came, and what went wrong. */
async function collecting(connection: Connection, queue: Queue, prefetchCount = 20) {
  const got: number[] = [];
  const errors: KombuError[] = [];
  const consumer = connection.consumer({
    queues: [queue],
    prefetchCount,
    onMessage: async (message: Message) => {
      got.push((message.payload as { n: number }).n);
      await message.ack();
    },
    onError: (error) => void errors.push(error as KombuError),
  });
  await consumer.consume();
  return { got, errors, consumer };
}

describe('a service that has enough of it', () => {
  it('is asked again, and nobody notices', async () => {
    const connection = service.connect();
    const queue = new Queue('throttled');
    await queue.bind(connection).declare();
    await server.faults([
      fault('SendMessageBatch', 'ThrottlingException', { times: 2 }),
      fault('ReceiveMessage', 'RequestThrottled', { times: 2 }),
      fault('DeleteMessageBatch', 'ServiceUnavailable', { times: 2, status: 503 }),
    ]);
    await connection.producer().publish({ n: 1 }, { routingKey: queue.name });
    const message = await queue.bind(connection).get();
    await message?.ack({ confirm: true });
    expect(await server.calls()).toMatchObject({ SendMessageBatch: expect.any(Number) });
    expect((await queue.bind(connection).queueDeclare()).messageCount).toBe(0);
  });

  it('and still has is BROKER_BUSY, which can be tried again', async () => {
    const connection = service.connect();
    const queue = new Queue('throttled-2');
    await queue.bind(connection).declare();
    await server.faults([fault('SendMessageBatch', 'ThrottlingException', { times: 100 })]);
    const publish = connection.producer().publish({ n: 1 }, { routingKey: queue.name });
    await expect(publish).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
  });
});

describe('a batch of which part fails', () => {
  it('what the service could not store is sent again, what it refuses fails alone', async () => {
    const connection = service.connect();
    const queue = new Queue('partly-stored');
    await queue.bind(connection).declare();
    await server.faults([
      fault('SendMessageBatch', 'InternalError', { entries: [0, 3], senderFault: false }),
      fault('SendMessageBatch', 'InvalidMessageContents', { entries: [1], senderFault: true }),
    ]);
    const producer = connection.producer();
    const outcomes = await Promise.allSettled(
      numbers(20).map((n) => producer.publish({ n }, { routingKey: queue.name })),
    );
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed.map(({ reason }) => reason.code)).toEqual(['ERR_KOMBU_ENCODE']);
    const { got, consumer } = await collecting(connection, queue);
    await until(() => got.length === 19, { what: 'all others came' });
    await consumer.close();
    expect(new Set(got).size).toBe(19);
  });

  it('what could not be removed is removed the next time; a receipt that is no good any more is LEASE_LOST', async () => {
    const connection = service.connect();
    const queue = new Queue('partly-removed');
    const producer = connection.producer();
    await Promise.all(numbers(10).map((n) => producer.publish({ n }, { routingKey: queue.name, declare: [queue] })));
    await server.faults([
      fault('DeleteMessageBatch', 'InternalError', { entries: [0], senderFault: false, times: 2 }),
      fault('DeleteMessageBatch', 'ReceiptHandleIsInvalid', { entries: [0], senderFault: true }),
    ]);
    const { got, errors, consumer } = await collecting(connection, queue);
    await until(() => got.length === 10, { what: 'all came' });
    await until(() => errors.length === 1, { what: 'it was told' });
    await consumer.close();
    expect(errors[0]).toMatchObject({ code: 'ERR_KOMBU_LEASE_LOST' });
    await connection.close();
    const { errors: none, ...rest } = await server.calls();
    expect([none, rest.DeleteMessageBatch]).toEqual([undefined, expect.any(Number)]);
  });

  it('a lease that could not be renewed just now is not lost', async () => {
    const connection = service.connect({}, { visibilityTimeoutMs: 3000 });
    const queue = new Queue('renewed');
    await connection.producer().publish({ n: 1 }, { routingKey: queue.name, declare: [queue] });
    const message = await queue.bind(connection).get();
    await server.resetCalls();
    await server.faults([fault('ChangeMessageVisibilityBatch', 'InternalError', { times: 1, status: 500 })]);
    await until(async () => ((await server.calls()).ChangeMessageVisibilityBatch ?? 0) > 3, { what: 'it was renewed' });
    expect(await queue.bind(service.connect()).get()).toBeUndefined();
    await message?.ack({ confirm: true });
  });
});

describe('a service that cannot be reached', () => {
  it('stops nobody for longer than that: publishers and consumers go on, nothing is lost', async () => {
    const proxy = await startProxy(server.port);
    const options: ConnectionOptions = {
      transport: sqs,
      reconnect: RECONNECT,
      transportOptions: { waitTimeMs: WAIT_MS, leaseMs: 2000 },
    };
    const url = proxy.through(server.url);
    const [publishing, consuming] = [new Connection(url, options), new Connection(url, options)];
    const queue = new Queue('outage');
    await queue.bind(publishing).declare();
    const { got } = await collecting(consuming, queue);
    const producer = publishing.producer();
    const publish = async (from: number): Promise<void> => {
      for (let n = from; n < from + 40; n++) {
        await producer.publish({ n }, { routingKey: queue.name, retry: true, timeoutMs: 20_000 });
      }
    };
    let going = publish(0);
    await until(() => got.length > 5, { what: 'messages come' });
    // Connections that are reset are made again, and nobody hears of it.
    proxy.drop();
    await going;
    going = publish(40);
    proxy.cut();
    await sleep(400);
    proxy.resume();
    await going;
    await until(() => new Set(got).size === 80, { what: 'all came', timeoutMs: 15_000 });
    await publishing.close();
    await consuming.close();
    await proxy.close();
  });

  it('refuses a connection, after its time', async () => {
    const proxy = await startProxy(server.port);
    proxy.freeze();
    await using silent = new Connection(proxy.through(server.url), { transport: sqs });
    await expect(silent.connect({ timeoutMs: 500 })).rejects.toMatchObject({ retryable: true });
    await proxy.close();
    await using nobody = new Connection('sqs://kombu:secret@127.0.0.1:1', { transport: sqs });
    await expect(nobody.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
  });

  it('comes back without its queues: they are declared again, with what was published since', async () => {
    const other = await startService();
    const connection = other.connect({ reconnect: RECONNECT });
    const exchange = new Exchange('after', { type: 'direct' });
    const queue = new Queue('forgetful', { exchange, routingKey: 'k' });
    const { got } = await collecting(connection, queue);
    await other.server.kill?.();
    await other.server.start?.();
    const producer = connection.producer({ exchange, routingKey: 'k' });
    await producer.publish({ n: 1 }, { retry: true, timeoutMs: 20_000 });
    await until(() => got.includes(1), { what: 'it comes', timeoutMs: 20_000 });
    await other.close();
  });
});

describe('a queue that somebody has deleted', () => {
  it('is made again by who publishes to it, and by who consumes from it', async () => {
    const [mine, theirs] = [service.connect(), service.connect()];
    const queue = new Queue('deleted');
    const { got, consumer } = await collecting(mine, queue);
    const producer = mine.producer();
    await producer.publish({ n: 1 }, { routingKey: queue.name });
    await until(() => got.length === 1, { what: 'the first came' });
    await queue.bind(theirs).delete();
    await producer.publish({ n: 2 }, { routingKey: queue.name, retry: true });
    await until(() => got.length === 2, { what: 'the second came', timeoutMs: 15_000 });
    await consumer.close();
  });
});

describe('a receive in flight', () => {
  it('is never aborted: what it still brings is visible again at once', async () => {
    const [mine, theirs] = [service.connect({}, { waitTimeMs: 5000 }), service.connect()];
    const queue = new Queue('late');
    const { got, consumer } = await collecting(mine, queue);
    await server.resetCalls();
    await consumer.cancel();
    await theirs.producer().publish({ n: 1 }, { routingKey: queue.name });
    await until(async () => ((await server.calls()).ChangeMessageVisibilityBatch ?? 0) === 1, {
      what: 'it was released',
    });
    expect((await queue.bind(theirs).get())?.payload).toEqual({ n: 1 });
    expect(got).toEqual([]);
  });

  it('is left behind by close, which is soon over: what it still brings is visible again at once', async () => {
    const [mine, theirs] = [service.connect({}, { waitTimeMs: 20_000 }), service.connect()];
    const queue = new Queue('left-behind');
    const got: Message[] = [];
    const consumer = mine.consumer({ queues: [queue], onMessage: (message) => void got.push(message) });
    await queue.bind(theirs).declare();
    await server.resetCalls();
    await consumer.consume();
    await until(async () => ((await server.calls()).ReceiveMessage ?? 0) > 0, { what: 'it waits' });
    await server.resetCalls();
    const begun = performance.now();
    await mine.close();
    expect(performance.now() - begun).toBeLessThan(3000);
    await theirs.producer().publish({ n: 1 }, { routingKey: queue.name });
    await until(async () => ((await server.calls()).ChangeMessageVisibilityBatch ?? 0) === 1, {
      what: 'it was released',
    });
    const message = await queue.bind(theirs).get();
    expect([message?.payload, got]).toEqual([{ n: 1 }, []]);
    // That of this get; the closed connection has made no other.
    expect((await server.calls()).ReceiveMessage).toBe(1);
    await message?.ack({ confirm: true });
  });

  it('is waited for by close, and what is held is released, not published again', async () => {
    const mine = service.connect();
    const theirs = service.connect();
    const queue = new Queue('held');
    const producer = theirs.producer();
    await Promise.all(numbers(30).map((n) => producer.publish({ n }, { routingKey: queue.name, declare: [queue] })));
    const held: Message[] = [];
    const consumer = mine.consumer({
      queues: [queue],
      prefetchCount: 30,
      onMessage: (message) => void held.push(message),
    });
    await consumer.consume();
    await until(() => held.length === 30, { what: 'all are held' });
    const calls = await service.counted(async () => {
      await consumer.close({ drainMs: 0 });
      await mine.close();
    });
    expect(calls.SendMessageBatch).toBeUndefined();
    expect(calls.ChangeMessageVisibilityBatch).toBeLessThanOrEqual(6);
    const { got } = await collecting(theirs, queue);
    await until(() => got.length === 30, { what: 'all come again', timeoutMs: 5000 });
    expect(new Set(got).size).toBe(30);
  });
});

describe('what is not allowed', () => {
  it('is ACCESS_REFUSED; to connect it takes no leave to list queues', async () => {
    await server.faults([fault('ListQueues', 'AccessDenied', { status: 403 })]);
    const connection = service.connect();
    await connection.connect();
    await server.faults([fault('CreateQueue', 'AccessDenied', { status: 403 })]);
    const declaring = new Queue('forbidden').bind(connection).declare();
    await expect(declaring).rejects.toMatchObject({ code: 'ERR_KOMBU_ACCESS_REFUSED', retryable: false });
  });

  it('a name that was deleted a moment ago is BROKER_BUSY, as is a purge too soon', async () => {
    const connection = service.connect();
    await server.faults([fault('CreateQueue', 'AWS.SimpleQueueService.QueueDeletedRecently')]);
    const declaring = new Queue('too-soon').bind(connection).declare();
    await expect(declaring).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
  });
});
