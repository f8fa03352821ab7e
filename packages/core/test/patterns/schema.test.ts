import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { Exchange, type KombuError, Queue, type StandardSchema } from '../../src/index.js';
import { openMemory, settle, until } from '../support/memory.js';

const Video = z.object({ name: z.string(), size: z.number().int().default(0) });

/** A schema that takes its time, and numbers only. */
const slowNumber: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      await settle(2);
      return typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] };
    },
  },
};

describe('a schema of a queue', () => {
  it('says the type of payloads, and makes them', async () => {
    const { connection } = openMemory();
    const videos = new Queue('videos', { schema: Video });
    await connection.producer().publish({ name: 'a' }, { routingKey: 'videos', declare: [videos] });
    const message = await videos.bind(connection).get();
    const size: number | undefined = message?.payload.size;
    expect(message?.payload).toEqual({ name: 'a', size: 0 });
    expect(size).toBe(0);
    expect(message?.body.toString()).toBe('{"name":"a"}');
    await connection.close();
  });

  it('refuses a body that is published to it', async () => {
    const { connection } = openMemory();
    const videos = new Queue('videos', { exchange: new Exchange('media'), routingKey: 'video', schema: Video });
    const producer = connection.producer({ exchange: 'media' });
    const bad = { name: 7, size: 'x' };
    const refused = producer.publish(bad, { routingKey: 'video', declare: [videos] });
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_KOMBU_ENCODE',
      message: expect.stringMatching(/name: .*; size: /),
    });
    await expect(
      producer.publish(bad, { routingKey: 'video', declare: [videos.bind(connection)] }),
    ).rejects.toMatchObject({
      code: 'ERR_KOMBU_ENCODE',
    });
    await producer.publish(bad, { routingKey: 'elsewhere', declare: [videos] });
    await producer.publish('{}', { routingKey: 'video', declare: [videos], contentType: 'application/json' });
    const simple = connection.simpleQueue('simple', { queueOptions: { schema: Video } });
    await expect(simple.put({ name: 1 })).rejects.toMatchObject({ code: 'ERR_KOMBU_ENCODE' });
    await simple.put({ name: 'x', size: 1 });
    expect((await simple.get()).payload).toEqual({ name: 'x', size: 1 });
    await connection.close();
  });

  it('gives what does not match to onDecodeError, or rejects it', async () => {
    const { connection } = openMemory();
    const videos = new Queue('videos', { schema: Video });
    const producer = connection.producer({ routingKey: 'videos' });
    const errors: KombuError[] = [];
    const seen: unknown[] = [];
    const consumer = connection.consumer({
      queues: [videos],
      onMessage: async (message) => {
        seen.push(message.payload.name);
        await message.ack();
      },
      onDecodeError: async (message, error) => {
        errors.push(error);
        await message.reject();
      },
    });
    await consumer.consume();
    await producer.publish({ nope: 1 });
    await producer.publish({ name: 'good' });
    await until(() => seen.length === 1);
    expect(seen).toEqual(['good']);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'ERR_KOMBU_DECODE', message: expect.stringContaining('name: ') });
    await consumer.close();
    await producer.publish({ nope: 2 });
    await expect(videos.bind(connection).get()).rejects.toMatchObject({ code: 'ERR_KOMBU_DECODE' });
    expect((await videos.bind(connection).queueDeclare({ passive: true })).messageCount).toBe(0);
    await connection.close();
  });

  it('may work asynchronously: order is kept', async () => {
    const { connection } = openMemory();
    const numbers = new Queue('numbers', { schema: slowNumber });
    const producer = connection.producer({ routingKey: 'numbers' });
    const publishing = [1, 2, 'three', 4].map((n) => producer.publish(n, { declare: [numbers], serializer: 'json' }));
    const results = await Promise.allSettled(publishing);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ reason: { code: 'ERR_KOMBU_ENCODE' } });
    await producer.publish('five', { serializer: 'json' });
    await producer.publish(6);
    const seen: unknown[] = [];
    const consumer = connection.consumer({
      queues: [numbers],
      onMessage: (message) => void seen.push(message.payload),
      onDecodeError: (message, error) => void seen.push(error.code, message.acknowledged),
      noAck: true,
    });
    await consumer.consume();
    await until(() => seen.length === 6);
    expect(seen).toEqual([1, 2, 4, 'ERR_KOMBU_DECODE', true, 6]);
    await connection.close();
  });

  it('answers a request that does not match with the error', async () => {
    const { connection } = openMemory();
    const videos = new Queue('videos', { schema: Video });
    await using _server = await connection.rpcServer(videos, ({ name, size }) => `${name} ${size}`);
    await using client = connection.rpcClient();
    expect(await client.call(videos as Queue, { name: 'a', size: 2 })).toBe('a 2');
    await expect(client.call(videos as Queue, {})).rejects.toMatchObject({ code: 'ERR_KOMBU_ENCODE' });
    await expect(client.call('videos', {})).rejects.toMatchObject({ remote: { name: 'DecodeError' } });
    await connection.close();
  });

  it('is no part of the declaration', () => {
    const [plain, typed] = [new Queue('q'), new Queue('q', { schema: Video })];
    expect(typed.equals(plain)).toBe(true);
    expect(typed.toJSON()).toEqual({ name: 'q' });
    expect(typed.schema).toBe(Video);
    expect(() => new Queue('q', { schema: {} as never })).toThrow("'schema' must be a Standard Schema");
  });
});

describe('a schema of a consumer, a get or a producer', () => {
  it('goes before that of the queue', async () => {
    const { connection } = openMemory();
    const queue = new Queue('q', { schema: Video });
    const producer = connection.producer({ routingKey: 'q', schema: z.number() });
    await producer.publish(5, { declare: [queue] });
    await expect(producer.publish({ name: 'x' })).rejects.toMatchObject({ code: 'ERR_KOMBU_ENCODE' });
    const message = await queue.bind(connection).get({ schema: z.number().transform((n) => n * 2) });
    expect(message?.payload).toBe(10);
    await message?.requeue();
    for await (const one of connection.consumer({ queues: [queue], schema: z.number() })) {
      expect(one.payload).toBe(5);
      await one.ack();
      break;
    }
    await connection.close();
  });

  it('that throws is an error of the body', async () => {
    const { connection } = openMemory();
    const throwing: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new TypeError('mine');
        },
      },
    };
    const queue = new Queue('q');
    await connection.producer().publish(1, { routingKey: 'q', declare: [queue] });
    await expect(queue.bind(connection).get({ schema: throwing })).rejects.toMatchObject({
      code: 'ERR_KOMBU_DECODE',
      cause: { message: 'mine' },
    });
    await expect(connection.producer({ schema: throwing }).publish(1, { routingKey: 'q' })).rejects.toMatchObject({
      code: 'ERR_KOMBU_ENCODE',
      cause: { message: 'mine' },
    });
    await connection.close();
  });

  it('does not look at bodies that are delivered undecoded', async () => {
    const { connection } = openMemory();
    const queue = new Queue('q', { schema: Video });
    await connection.producer().publish({ nope: 1 }, { routingKey: 'q' });
    const message = await queue.bind(connection).get({ accept: 'any' });
    expect(message?.body.toString()).toBe('{"nope":1}');
    await connection.close();
  });
});
