import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type Connection, KombuError, type Message, Queue } from '@kombu/core';
import { ids } from '../src/put.js';
import { startService } from './support/sqs.js';

jest.setTimeout(30_000);

const service = await startService();
const { server } = service;
const connection = service.connect();
const client = new SQSClient({ endpoint: `http://127.0.0.1:${server.port}`, region: 'us-east-1', credentials: server });
const urlOf = (name: string): string => `http://127.0.0.1:${server.port}/000000000000/${name}`;

afterAll(async () => {
  client.destroy();
  await service.close();
});

/** A message of which only its properties count. */
const EMPTY = { contentType: undefined, contentEncoding: undefined, headers: {}, body: new Uint8Array() };

async function take(from: Connection, queue: Queue): Promise<Message> {
  return until(() => queue.bind(from).get(), { what: `a message is in ${queue.name}` });
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error) => (KombuError.is(error) ? error.code : String(error)),
  );
}

describe('FIFO queues', () => {
  const queue = new Queue('orders.fifo');

  it('keep the order of each group, whoever publishes how fast', async () => {
    await queue.bind(connection).declare();
    const producer = connection.producer();
    const groups = ['a', 'b', undefined];
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        producer.publish(
          { n, group: groups[n % 3] },
          { routingKey: queue.name, ...(groups[n % 3] && { properties: { MessageGroupId: groups[n % 3] } }) },
        ),
      ),
    );
    const seen = new Map<unknown, number[]>();
    let count = 0;
    const consumer = connection.consumer({
      queues: [queue],
      prefetchCount: 10,
      onMessage: async (message: Message) => {
        const { n, group } = message.payload as { n: number; group?: string };
        seen.set(group, [...(seen.get(group) ?? []), n]);
        count++;
        await message.ack();
      },
    });
    await consumer.consume();
    await until(() => count === 60, { what: 'all came' });
    await consumer.close();
    for (const [i, group] of groups.entries()) {
      expect(seen.get(group)).toEqual(Array.from({ length: 20 }, (_, n) => n * 3 + i));
    }
  });

  it('take a message with the same deduplication id once', async () => {
    const producer = connection.producer();
    const properties = { MessageDeduplicationId: 'same' };
    for (const n of [1, 2]) await producer.publish({ n }, { routingKey: queue.name, properties });
    const message = await take(connection, queue);
    expect(message.payload).toEqual({ n: 1 });
    await message.ack({ confirm: true });
    expect(await queue.bind(connection).get()).toBeUndefined();
  });

  it('take what is dead-lettered into the same queue, whatever its deduplication id', async () => {
    const again = new Queue('again.fifo', {
      queueArguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'again.fifo' },
    });
    const properties = { MessageDeduplicationId: 'mine' };
    await connection.producer().publish({ n: 1 }, { routingKey: again.name, declare: [again], properties });
    for (let times = 0; times < 2; times++) await (await take(connection, again)).reject({ confirm: true });
    const message = await take(connection, again);
    expect([message.payload, message.properties.MessageDeduplicationId]).toEqual([{ n: 1 }, 'mine']);
    await message.ack({ confirm: true });
  });

  it('have ids as Python gives them; other queues only a group that was asked for', () => {
    const plain = (properties: Record<string, unknown>) => ({ ...EMPTY, properties });
    expect(ids(plain({}), true)).toEqual({
      MessageGroupId: 'default',
      MessageDeduplicationId: expect.any(String),
    });
    expect(ids(plain({ MessageGroupId: 'tenant-7' }), false)).toEqual({ MessageGroupId: 'tenant-7' });
    expect(ids(plain({}), false)).toEqual({});
  });
});

describe('what SQS keeps beside a body', () => {
  it('delays', async () => {
    const queue = new Queue('delayed');
    await connection
      .producer()
      .publish({ n: 1 }, { routingKey: queue.name, declare: [queue], properties: { DelaySeconds: 1 } });
    expect(await queue.bind(connection).get()).toBeUndefined();
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({
        QueueUrl: urlOf('delayed'),
        AttributeNames: ['ApproximateNumberOfMessagesDelayed'],
      }),
    );
    expect(Attributes?.ApproximateNumberOfMessagesDelayed).toBe('1');
    await (await take(connection, queue)).ack();
  });

  it.each(['abc', -1, 901, true])('no delay of %j', async (DelaySeconds) => {
    const queue = new Queue('delayed-2');
    const publish = connection
      .producer()
      .publish({ n: 1 }, { routingKey: queue.name, declare: [queue], properties: { DelaySeconds } });
    await expect(publish).rejects.toMatchObject({
      code: 'ERR_KOMBU_INVALID_OPTION',
      message: expect.stringContaining('DelaySeconds'),
    });
  });

  it('no delay of one message in a FIFO queue', async () => {
    const queue = new Queue('delayed.fifo');
    const publish = (DelaySeconds: number): Promise<void> =>
      connection
        .producer()
        .publish({ n: 1 }, { routingKey: queue.name, declare: [queue], properties: { DelaySeconds } });
    expect(await codeOf(publish(5))).toBe('ERR_KOMBU_NOT_SUPPORTED');
    expect(await codeOf(publish(0))).toBeUndefined();
  });

  it('message attributes, of this library and of others', async () => {
    const queue = new Queue('attributes');
    const producer = connection.producer();
    const properties = { message_attributes: { color: 'red', size: 3 } };
    await producer.publish({ n: 1 }, { routingKey: queue.name, declare: [queue], properties });
    const message = await take(connection, queue);
    expect(message.properties.message_attributes).toEqual({
      color: { DataType: 'String', StringValue: 'red' },
      size: { DataType: 'Number', StringValue: '3' },
    });
    await message.ack();
    // They are kept beside the envelope, not in it.
    await producer.publish(
      { n: 2 },
      { routingKey: queue.name, headers: { message_attributes: 1n << 60n }, properties },
    );
    const received = await client.send(
      new ReceiveMessageCommand({ QueueUrl: urlOf('attributes'), MessageAttributeNames: ['All'], WaitTimeSeconds: 1 }),
    );
    const [stored] = received.Messages ?? [];
    const envelope = Buffer.from(stored?.Body ?? '', 'base64').toString();
    expect(envelope).toContain('"headers":{"message_attributes":1152921504606846976}');
    expect(JSON.parse(envelope).properties).not.toHaveProperty('message_attributes');
    expect(JSON.parse(envelope).properties).toHaveProperty('delivery_tag');
    expect(stored?.MessageAttributes?.color?.StringValue).toBe('red');
    await client.send(
      new DeleteMessageCommand({ QueueUrl: urlOf('attributes'), ReceiptHandle: stored?.ReceiptHandle }),
    );
    const MessageAttributes = { who: { DataType: 'String', StringValue: 'else' } };
    await client.send(
      new SendMessageCommand({ QueueUrl: urlOf('attributes'), MessageBody: 'plain', MessageAttributes }),
    );
    const foreign = await take(connection, queue);
    expect([foreign.payload, foreign.properties.message_attributes]).toEqual(['plain', MessageAttributes]);
    await foreign.ack();
    const bad = producer.publish({}, { routingKey: queue.name, properties: { message_attributes: { x: null } } });
    expect(await codeOf(bad)).toBe('ERR_KOMBU_INVALID_OPTION');
  });
});

describe('bodies that no Kombu has written', () => {
  const queue = new Queue('foreign');
  const s3 = { Records: [{ eventSource: 'aws:s3', s3: { bucket: { name: 'b' }, object: { key: 'k' } } }] };
  const sns = { Type: 'Notification', MessageId: '1', TopicArn: 'arn:aws:sns:x:1:t', Message: '{"a": 1}' };

  it.each([
    ['plain text', 'hello ü', 'hello ü', 'text/plain'],
    ['an S3 event', JSON.stringify(s3), s3, 'application/json'],
    ['an SNS envelope', JSON.stringify(sns), sns, 'application/json'],
    ['a number', '42', 42, 'application/json'],
    ['base64 of something else', 'SGVsbG8gd29ybGQ=', 'SGVsbG8gd29ybGQ=', 'text/plain'],
    ['text that looks like base64', 'eyJub3QganNvbn0=', '{"not json}', 'text/plain'],
    ['half an envelope', '{"body": "x"}', { body: 'x' }, 'application/json'],
  ])('%s is delivered as what it is', async (_what, MessageBody, payload, contentType) => {
    await queue.bind(connection).declare();
    await client.send(new SendMessageCommand({ QueueUrl: urlOf('foreign'), MessageBody }));
    const message = await take(connection, queue);
    expect([message.payload, message.contentType, message.headers]).toEqual([payload, contentType, {}]);
    await message.ack({ confirm: true });
  });
});

describe('sizes', () => {
  it('what is too large is refused before it is sent, whatever else is published', async () => {
    const queue = new Queue('large');
    await queue.bind(connection).declare();
    const producer = connection.producer();
    const calls = await service.counted(async () => {
      const publish = (size: number, o = {}): Promise<void> =>
        producer.publish(Buffer.alloc(size), { routingKey: queue.name, ...o });
      const attributes = { properties: { message_attributes: { x: 'y'.repeat(600_000) } } };
      const [small, big, withAttributes] = await Promise.all([
        codeOf(publish(1)),
        codeOf(publish(524_289)),
        codeOf(publish(400_000, attributes)),
      ]);
      expect([small, big, withAttributes]).toEqual([
        undefined,
        'ERR_KOMBU_MESSAGE_TOO_LARGE',
        'ERR_KOMBU_MESSAGE_TOO_LARGE',
      ]);
    });
    expect(calls).toEqual({ SendMessageBatch: 1 });
  });

  it('the limit of a queue that takes less is asked for once, and kept', async () => {
    await client.send(new CreateQueueCommand({ QueueName: 'old', Attributes: { MaximumMessageSize: '262144' } }));
    const producer = connection.producer();
    const calls = await service.counted(async () => {
      for (let i = 0; i < 2; i++) {
        const error = await producer.publish(Buffer.alloc(200_000), { routingKey: 'old' }).catch((e: Error) => e);
        expect(error).toMatchObject({ code: 'ERR_KOMBU_MESSAGE_TOO_LARGE', retryable: false });
        expect(String(error)).toContain('SQS takes 262144');
      }
      await producer.publish(Buffer.alloc(100_000), { routingKey: 'old' });
    });
    expect(calls).toEqual({ GetQueueUrl: 1, GetQueueAttributes: 1, SendMessageBatch: 1 });
  });
});

describe('requeueing', () => {
  it('makes visible at once, or after the time of the policy for so many receives', async () => {
    const queue = new Queue('again');
    const patient = service.connect({}, { backoffPolicy: { 2: 1000, 3: 0 } });
    await patient.producer().publish({ n: 1 }, { routingKey: queue.name, declare: [queue] });
    const first = await take(patient, queue);
    expect(first.deliveryInfo.redelivered).toBe(false);
    await first.requeue({ confirm: true });
    const second = await queue.bind(patient).get();
    expect(second?.deliveryInfo.redelivered).toBe(true);
    const begun = performance.now();
    await second?.requeue({ confirm: true });
    expect(await queue.bind(patient).get()).toBeUndefined();
    const third = await take(patient, queue);
    expect(performance.now() - begun).toBeGreaterThan(800);
    await third.requeue({ confirm: true });
    await (await take(patient, queue)).ack({ confirm: true });
  });

  it('a function that fails keeps nothing else from being settled', async () => {
    const queue = new Queue('again-3');
    const patient = service.connect(
      {},
      {
        visibilityTimeoutMs: 2000,
        backoffPolicy: (count) => {
          if (count === 1) throw new RangeError('says the test');
          return 0;
        },
      },
    );
    const producer = patient.producer();
    for (const n of [1, 2]) await producer.publish({ n }, { routingKey: queue.name, declare: [queue] });
    const [first, second] = [await take(patient, queue), await take(patient, queue)];
    const acked = first.ack({ confirm: true });
    await expect(second.requeue({ confirm: true })).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    await acked;
    // It comes again when its lease has ended.
    const third = await take(patient, queue);
    expect(third.payload).toEqual(second.payload);
    await third.requeue({ confirm: true });
    await (await take(patient, queue)).ack({ confirm: true });
  });

  it('asks a function, too', async () => {
    const queue = new Queue('again-2');
    const counts: number[] = [];
    const backoffPolicy = (count: number): number => {
      counts.push(count);
      return 0;
    };
    const patient = service.connect({}, { backoffPolicy });
    await patient.producer().publish({ n: 1 }, { routingKey: queue.name, declare: [queue] });
    await (await take(patient, queue)).requeue({ confirm: true });
    await (await take(patient, queue)).requeue({ confirm: true });
    await (await take(patient, queue)).reject();
    await patient.close();
    expect(counts).toEqual([1, 2]);
    expect((await queue.bind(connection).queueDeclare()).messageCount).toBe(0);
  });
});
