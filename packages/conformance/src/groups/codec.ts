import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { KombuError, Message } from '@kombu/core';
import { consume, declare, fetchOne, holds, isEmpty, ready, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { refuses } from '../expect.js';

const SERIALIZERS = ['json', 'yaml', 'msgpack', 'pickle', 'raw'] as const;
const COMPRESSIONS = ['zlib', 'bzip2', 'brotli', 'lzma', 'zstd'] as const;

/** Serializers, compression, and what a consumer accepts. */
export const codec = group('codec', [
  testCase('every serializer there and back, named by the message itself', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const value = { id: 'it', list: [1, -2, 3.5, 'ä€\u{1F600}', null, true], table: { inner: [] } };
    for (const serializer of SERIALIZERS) {
      const sent = serializer === 'raw' ? Buffer.from('raw bytes') : value;
      await t.producer(connection).publish(sent, { routingKey: queue.name, serializer });
      const accept = [serializer];
      const message = await t.until(serializer, () => queue.bind(connection).get({ noAck: true, accept }));
      if (serializer === 'raw') assert.equal(Buffer.from(message.payload as Uint8Array).toString(), 'raw bytes');
      else assert.deepEqual(message.payload, value, serializer);
    }
  }),

  testCase('every compression there and back, shown in the compression header', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const random = randomBytes(3000).toString('base64');
    for (const compression of COMPRESSIONS) {
      const producer = t.producer(connection, { compression });
      await producer.publish({ id: compression, random }, { routingKey: queue.name });
      await producer.publish(Buffer.alloc(0), { routingKey: queue.name });
      const message = await fetchOne(t, connection, queue, { noAck: true });
      assert.deepEqual(message.payload, { id: compression, random });
      assert.match(String(message.headers.compression), /^application\//);
      const empty = await fetchOne(t, connection, queue, { noAck: true });
      assert.equal((empty.payload as Uint8Array).length, 0);
    }
  }),

  testCase(
    'get refuses what is not accepted before it is decoded, and rejects it unless onDecodeError settles it',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue();
      await declare(connection, queue);
      const bound = queue.bind(connection);
      await send(t, connection, queue, ['it'], { serializer: 'pickle' });
      const onDecodeError = (message: Message): Promise<void> => message.requeue();
      const accept = ['json'];
      const look = (): Promise<unknown> => t.until('a message', () => bound.get({ accept, onDecodeError }));
      await refuses('get', look, 'CONTENT_DISALLOWED');
      await t.until('it is there again', async () => (await ready(connection, queue)) === 1);
      await refuses('get', () => t.until('a message', () => bound.get({ accept })), 'CONTENT_DISALLOWED');
      await connection.close();
      await isEmpty(t, await t.open(), queue);
    },
  ),

  testCase('a consumer rejects what it does not accept, and goes on', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    await consume(connection, queue, got.ack, { accept: ['json'] });
    await send(t, connection, queue, ['bad'], { serializer: 'pickle' });
    await send(t, connection, queue, ['good']);
    await got.waitFor(['good']);
    got.assertExactly(['good']);
    await connection.close();
    await isEmpty(t, await t.open(), queue);
  }),

  testCase('onDecodeError hears of what cannot be decoded and of what is refused, and may settle it', async (t) => {
    const connection = await t.connection();
    const [queue, kept] = [t.queue(), t.queue()];
    await declare(connection, queue, kept);
    const heard: string[] = [];
    const got = await t.collector();
    const onDecodeError = async (message: Message, error: KombuError): Promise<void> => {
      heard.push(error.code);
      await t.producer(connection).publish({ id: `kept ${heard.length}` }, { routingKey: kept.name });
      await message.ack();
    };
    const read = (message: Message): Promise<void> => got.ack(message);
    await consume(connection, queue, read, { accept: ['json'], onDecodeError });
    const producer = t.producer(connection, { compression: undefined });
    const routingKey = queue.name;
    await producer.publish('{"id": ', { routingKey, contentType: 'application/json', contentEncoding: 'utf-8' });
    await producer.publish('x', { routingKey, contentType: 'application/x-no-such', contentEncoding: 'binary' });
    await producer.publish(Buffer.from('not zlib'), {
      routingKey,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      headers: { compression: 'application/x-gzip' },
    });
    await producer.publish({ id: 'good' }, { routingKey });
    await got.waitFor(['good']);
    await t.until('three errors', () => heard.length === 3);
    const sorted = [...heard].sort();
    assert.deepEqual(sorted, ['ERR_KOMBU_CONTENT_DISALLOWED', 'ERR_KOMBU_DECODE', 'ERR_KOMBU_DECODE']);
    await holds(t, connection, kept, ['kept 1', 'kept 2', 'kept 3']);
  }),

  testCase("accept 'any' relays every byte and header, decoded or not", async (t) => {
    const connection = await t.connection();
    const [from, to] = [t.queue(), t.queue()];
    await declare(connection, from, to);
    const bytes = randomBytes(500);
    const headers = { 'x-own': ['ü', { deep: 1 }], n: 5 };
    const producer = t.producer(connection, { compression: undefined, serializer: undefined });
    const contentType = 'application/x-unheard-of';
    await producer.publish(bytes, { routingKey: from.name, contentType, contentEncoding: 'x-odd', headers, type: 'T' });
    const relay = async (message: Message): Promise<void> => {
      const { contentType, contentEncoding, headers, properties, body } = message;
      await producer.publish(body, {
        routingKey: to.name,
        contentType,
        contentEncoding,
        headers,
        type: properties.type,
      });
      await message.ack();
    };
    await consume(connection, from, relay, { accept: 'any' });
    const message = await t.until('the relayed message', () => to.bind(connection).get({ noAck: true, accept: 'any' }));
    assert.ok(bytes.equals(Buffer.from(message.body)));
    assert.deepEqual(message.headers, headers);
    assert.deepEqual([message.contentType, message.contentEncoding], [contentType, 'x-odd']);
    assert.equal(message.properties.type, 'T');
  }),
]);
