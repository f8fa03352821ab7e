import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { goldenEnvelope, goldenPayloads, goldenPublished } from '@kombu/interop';
import { redis } from '../src/index.js';
import { startServer } from './support/server.js';

const server = await startServer();
const golden = JSON.parse(readFileSync(new URL('./golden/redis-5.5.3.json', import.meta.url), 'utf8')).cases;
const media = new Exchange('media', { type: 'direct' });
const news = new Exchange('news', { type: 'topic' });
const video = new Queue('video', { exchange: media, routingKey: 'video' });
const stock = new Queue('stock', { exchange: news, routingKey: '*.stock.#' });
const fan = new Queue('fan1', { exchange: new Exchange('bcast', { type: 'fanout' }) });
let connection: Connection;

beforeEach(async () => {
  await server.command('FLUSHALL');
  connection = new Connection(server.url, { transport: redis });
  for (const queue of [video, stock, fan]) await queue.bind(connection).declare();
});
afterEach(() => connection.close());
afterAll(() => server.close());

const stored = async (list: string) => ((await server.command('LRANGE', list, 0, -1)) as string[]).map(goldenEnvelope);
const expected = (name: string, list: string) => (golden[name][list] as string[]).map(goldenEnvelope);
const toVideo = { exchange: media, routingKey: 'video' };

describe('what is stored is what Python Kombu 5.5.3 stores', () => {
  it('bindings, apart from the text of topic patterns', async () => {
    const members = async (exchange: string) =>
      (await server.command('SMEMBERS', `_kombu.binding.${exchange}`)) as string[];
    const blind = (all: readonly string[]) => all.map((member) => member.split('\x06\x16').filter((_, i) => i !== 1));
    expect(await members('bcast')).toEqual(golden.after_declare['_kombu.binding.bcast']);
    expect(await members('media')).toEqual(golden.after_declare['_kombu.binding.media']);
    expect(blind(await members('news'))).toEqual(blind(golden.after_declare['_kombu.binding.news']));
  });

  it.each(goldenPublished)('%s', async (name, body, options) => {
    const [list = ''] = Object.keys(golden[name]);
    await connection.producer().publish(body, { ...toVideo, ...options });
    expect(await stored(list)).toEqual(expected(name, list));
  });

  it('messages of topic exchanges and of the anonymous exchange', async () => {
    const producer = connection.producer();
    await producer.publish({ s: 1 }, { exchange: news, routingKey: 'usd.stock.db' });
    expect((await stored('stock'))[0]).toEqual(goldenEnvelope(golden.topic[0]));
    await producer.publish({ a: 1 }, { routingKey: 'video' });
    expect((await stored('video'))[0]).toEqual(goldenEnvelope(golden.anon[0]));
  });

  it('what is reserved and not settled, and what is requeued', async () => {
    await connection.producer().publish({ a: 1 }, toVideo);
    const message = await video.bind(connection).get();
    const [tag, entry] = (await server.command('HGETALL', 'unacked')) as [string, string];
    const [theirs] = Object.values(golden.unacked.unacked as Record<string, string>);
    const [envelope, exchange, routingKey] = JSON.parse(entry);
    const [pythonEnvelope, pythonExchange, pythonKey] = JSON.parse(theirs ?? '');
    expect(goldenEnvelope(JSON.stringify(envelope))).toEqual(goldenEnvelope(JSON.stringify(pythonEnvelope)));
    expect([exchange, routingKey]).toEqual([pythonExchange, pythonKey]);
    expect(envelope.properties.delivery_tag).toBe(tag);
    const [member, score] = (await server.command('ZRANGE', 'unacked_index', 0, -1, 'WITHSCORES')) as [string, string];
    expect(member).toBe(tag);
    expect(Math.abs(Number(score) - Date.now() / 1000)).toBeLessThan(10);
    await message?.requeue();
    await connection.defaultChannel.close();
    expect(await stored('video')).toEqual(expected('requeued', 'video'));
  });
});

describe('what Python Kombu has stored is read', () => {
  const readable = [
    'json_obj',
    'text',
    'bytes',
    'yaml',
    'msgpack',
    'pickle',
    'raw_ct',
    'comp_zlib',
    'comp_bzip2',
    'prio_9',
    'props',
  ];

  it.each(readable)('%s', async (name) => {
    const [list = ''] = Object.keys(golden[name]);
    const [raw = ''] = golden[name][list] as string[];
    await server.command('LPUSH', list, raw);
    const accept = ['json', 'yaml', 'msgpack', 'pickle', 'image/png'];
    const message = (await video.bind(connection).get({ accept })) as Message;
    if (name in goldenPayloads) expect(message.payload).toEqual(goldenPayloads[name]);
    else expect(message.payload).toBeDefined();
    expect(message.deliveryInfo).toMatchObject({ exchange: 'media', routingKey: 'video', queue: 'video' });
    if (name === 'props')
      expect(message.properties).toMatchObject({ replyTo: 'rq', correlationId: 'cid', deliveryMode: 1 });
    await message.ack();
  });

  it('a message that Python has requeued is flagged', async () => {
    await server.command('LPUSH', 'video', golden.requeued.video[0]);
    const message = await video.bind(connection).get();
    expect(message?.deliveryInfo.redelivered).toBe(true);
    await message?.ack();
  });
});
