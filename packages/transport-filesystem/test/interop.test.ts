import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, until } from '@kombu/brokers';
import { type Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, type PythonVersion, startPython } from '@kombu/interop';
import { PYTHON_VIDEO } from '@kombu/interop/both-ways';
import { makeFolder } from './support/folder.js';

jest.setTimeout(30_000);

const versions: PythonVersion[] = ['5.2', 'latest'];
const peers = await Promise.all(versions.map(async (version) => [version, await startPython({ version })] as const));
const media = new Exchange('media', { type: 'direct' });
const video = new Queue('video', { exchange: media, routingKey: 'video' });
/** Python has no order among messages of one millisecond. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 12));

function suite(version: PythonVersion, python: PythonPeer): void {
  let connection: Connection;
  const get = (queue: Queue): Promise<Message | undefined> => queue.bind(connection).get();
  let root: string;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    const folder = await makeFolder();
    ({ path: root, remove } = folder);
    const control = version === '5.2' ? {} : { control_folder: path.join(root, 'control') };
    await python.open('filesystem://', {
      transport_options: { data_folder_in: root, data_folder_out: root, ...control },
    });
    connection = folder.connect();
    await python.declare({ queue: PYTHON_VIDEO });
    await video.bind(connection).declare();
  });
  afterAll(async () => {
    await connection.close();
    await python.close();
    await remove();
  });

  it('Python reads what Node writes, in the order in which it was written', async () => {
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    for (let n = 0; n < 20; n++) await producer.publish({ n, ø: '☃' }, { headers: { n, text: 'ü' } });
    await producer.publish('text ☃');
    await producer.publish(Buffer.from([0, 255, 10]));
    await producer.publish({ big: 'x'.repeat(5000) }, { compression: 'zlib' });
    const got = await python.consume('video', { n: 23, timeout: 20 });
    expect(got.slice(0, 20).map(({ payload }) => payload)).toEqual(
      Array.from({ length: 20 }, (_, n) => ({ n, ø: '☃' })),
    );
    expect(got[3]?.headers).toEqual({ n: 3, text: 'ü' });
    expect(got.slice(20).map(({ payload }) => payload)).toEqual([
      'text ☃',
      Buffer.from([0, 255, 10]),
      { big: 'x'.repeat(5000) },
    ]);
    expect(await python.size('video')).toBe(0);
  });

  it('Node reads what Python writes, in the order in which it was written', async () => {
    for (let n = 0; n < 20; n++) {
      const headers = { from: 'python' };
      await python.publish({ n, ø: '☃' }, { exchange: 'media', routing_key: 'video', headers });
      await pause();
    }
    await python.publish('text ☃', { exchange: 'media', routing_key: 'video', compression: 'zlib' });
    for (let n = 0; n < 20; n++) {
      const message = await get(video);
      expect(message?.payload).toEqual({ n, ø: '☃' });
      expect(message?.headers).toEqual({ from: 'python' });
      await message?.ack();
    }
    const last = await get(video);
    expect(last?.payload).toBe('text ☃');
    await last?.ack({ confirm: true });
    expect(await python.size('video')).toBe(0);
  });

  it('messages of both are in one order, for both', async () => {
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    const fill = async (): Promise<void> => {
      for (let n = 0; n < 10; n += 2) {
        await producer.publish({ n });
        await pause();
        await python.publish({ n: n + 1 }, { exchange: 'media', routing_key: 'video' });
        await pause();
      }
    };
    await fill();
    const byPython = await python.consume('video', { n: 10, timeout: 20 });
    expect(byPython.map(({ payload }) => (payload as { n: number }).n)).toEqual([...Array(10).keys()]);
    await fill();
    const byNode: unknown[] = [];
    for (let message = await get(video); message !== undefined; message = await get(video)) {
      byNode.push((message.payload as { n: number }).n);
      await message.ack();
    }
    expect(byNode).toEqual([...Array(10).keys()]);
  });

  it('what Node gives back, Python gets, and the other way round', async () => {
    for (let n = 0; n < 3; n++) {
      await python.publish({ n }, { exchange: 'media', routing_key: 'video' });
      await pause();
    }
    const first = await get(video);
    expect(first?.payload).toEqual({ n: 0 });
    await first?.requeue();
    const second = await get(video);
    expect(second?.payload).toEqual({ n: 1 });
    await second?.reject();
    const held = await get(video);
    expect(await python.size('video')).toBe(1);
    await held?.channel.recover({ requeue: true });
    await until(async () => (await python.size('video')) === 2, { what: 'both are back', timeoutMs: 5000 });
    const got = await python.consume('video', { n: 2, timeout: 10, settle: 'requeue' });
    expect(got).toHaveLength(2);
    const again = [await get(video), await get(video)];
    expect(again.map((message) => message?.payload)).toEqual(expect.arrayContaining([{ n: 0 }, { n: 2 }]));
    for (const message of again) await message?.ack();
  });

  it('a consumer is woken by what Python writes, and never gets half of it', async () => {
    const got: number[] = [];
    const consumer = connection.consumer({
      queues: [video],
      prefetchCount: 10,
      onMessage: async (message) => {
        got.push((message.payload as { n: number }).n);
        await message.ack();
      },
    });
    await consumer.consume();
    const pad = 'x'.repeat(100_000);
    await python.publishMany(
      Array.from({ length: 50 }, (_, n) => ({ n, pad })),
      { exchange: 'media', routing_key: 'video' },
    );
    await until(async () => got.length === 50, { what: 'all 50 have come', timeoutMs: 15_000 });
    await consumer.close();
    expect([...got].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect(await readdir(path.join(root, '.kombu', 'unreadable'))).toEqual([]);
  });

  if (version === '5.2') return;

  it('bindings of both are in one table, and both publish by it', async () => {
    const news = new Exchange('news', { type: 'topic' });
    const mine = new Queue('mine', { exchange: news, routingKey: '*.stock.#' });
    await mine.bind(connection).declare();
    const theirs = { name: 'theirs', exchange: { name: 'news', type: 'topic' }, routing_key: 'usd.*' };
    await python.declare({ queue: theirs });
    const rows = JSON.parse(await readFile(path.join(root, 'control', 'news.exchange'), 'utf8')) as string[][];
    expect(rows.map(([key, , queue]) => [key, queue])).toEqual([
      ['usd.*', 'theirs'],
      ['*.stock.#', 'mine'],
    ]);
    await connection.producer({ exchange: news }).publish({ by: 'node' }, { routingKey: 'usd.stock' });
    await pause();
    await python.publish({ by: 'python' }, { exchange: { name: 'news', type: 'topic' }, routing_key: 'usd.stock' });
    expect((await python.consume(theirs, { n: 2, timeout: 10 })).map(({ payload }) => payload)).toEqual([
      { by: 'node' },
      { by: 'python' },
    ]);
    for (const by of ['node', 'python']) {
      const message = await get(mine);
      expect(message?.payload).toEqual({ by });
      await message?.ack();
    }
  });

  it('fanout reaches the queues of both', async () => {
    const bcast = new Exchange('bcast', { type: 'fanout' });
    const mine = new Queue('fan-node', { exchange: bcast });
    await mine.bind(connection).declare();
    const theirs = { name: 'fan-python', exchange: { name: 'bcast', type: 'fanout' } };
    await python.declare({ queue: theirs });
    await connection.producer({ exchange: bcast }).publish({ by: 'node' });
    await pause();
    await python.publish({ by: 'python' }, { exchange: { name: 'bcast', type: 'fanout' } });
    expect(await python.consume(theirs, { n: 2, timeout: 10 })).toHaveLength(2);
    expect([(await get(mine))?.payload, (await get(mine))?.payload]).toEqual([{ by: 'node' }, { by: 'python' }]);
  });

  it('no binding is lost when both bind to one exchange at the same time', async () => {
    const crowd = new Exchange('crowd', { type: 'direct' });
    await crowd.bind(connection).declare();
    const node = Array.from({ length: 30 }, (_, i) => `node-${i}`);
    const other = Array.from({ length: 30 }, (_, i) => `python-${i}`);
    await Promise.all([
      (async () => {
        for (const name of node)
          await new Queue(name, { exchange: crowd, routingKey: name }).bind(connection).declare();
      })(),
      (async () => {
        for (const name of other) {
          await python.declare({ queue: { name, exchange: { name: 'crowd', type: 'direct' }, routing_key: name } });
        }
      })(),
    ]);
    const rows = JSON.parse(await readFile(path.join(root, 'control', 'crowd.exchange'), 'utf8')) as string[][];
    expect(rows.map(([, , queue]) => queue).sort()).toEqual([...node, ...other].sort());
    for (const name of node) await connection.defaultChannel.deleteQueue(name);
    const left = JSON.parse(await readFile(path.join(root, 'control', 'crowd.exchange'), 'utf8')) as string[][];
    expect(left.map(([, , queue]) => queue).sort()).toEqual([...other].sort());
    await writeFile(path.join(root, 'control', 'crowd.exchange'), '[]');
  });
}

describe.each(peers)('with Python Kombu %s', (version, python) => {
  if (isUnavailable(python)) it.skip(`skipped: ${python.unavailable}`, () => {});
  else suite(version, python);
});
