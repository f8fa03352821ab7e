import { expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';

/** @typedef {import('./types-both-ways.d.ts').BothWaysOptions} BothWaysOptions */

/** @type {typeof import('./types-both-ways.d.ts').SERIALIZERS} */
export const SERIALIZERS = ['json', 'yaml', 'msgpack', 'pickle'];

/** @type {typeof import('./types-both-ways.d.ts').PYTHON_VIDEO} */
export const PYTHON_VIDEO = { name: 'video', exchange: { name: 'media', type: 'direct' }, routing_key: 'video' };

const TO_VIDEO = { exchange: 'media', routingKey: 'video' };
const PYTHON_TO_VIDEO = { exchange: 'media', routing_key: 'video' };
const VALUE = { a: [1, 2.5, 'ünï ☃'], b: { c: null, d: true } };
const CASE_MS = 60_000;

/** @type {typeof import('./types-both-ways.d.ts').itGoesBothWays} */
export function itGoesBothWays(options) {
  itCarriesBodies(options);
  itRoutes(options);
  itIsShared(options);
}

/** @param {BothWaysOptions} o */
function itCarriesBodies({ python, kombu: { Queue }, connection, get, hasPriority }) {
  const video = new Queue('video');

  it.each(SERIALIZERS)(
    '%s both ways',
    async (serializer) => {
      await python.publish(VALUE, { ...PYTHON_TO_VIDEO, serializer });
      const message = await get(video);
      expect(message.payload).toEqual(VALUE);
      await message.ack({ confirm: true });
      await connection()
        .producer()
        .publish(VALUE, { ...TO_VIDEO, serializer });
      const back = await python.get(PYTHON_VIDEO, { settle: 'ack', accept: SERIALIZERS });
      expect(back?.payload).toEqual(VALUE);
    },
    CASE_MS,
  );

  it(
    'raw bytes, headers, priority, reply-to and correlation id both ways',
    async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const headers = { ü: 1 };
      await python.publish(bytes, { ...PYTHON_TO_VIDEO, headers, priority: 6, reply_to: 'r', correlation_id: 'c' });
      const message = await get(video);
      expect(message.payload).toEqual(bytes);
      expect(message.headers).toEqual(headers);
      expect(message.properties).toMatchObject({ priority: 6, replyTo: 'r', correlationId: 'c' });
      await message.ack({ confirm: true });
      await connection()
        .producer()
        .publish(bytes, { ...TO_VIDEO, headers, priority: 6, replyTo: 'r', correlationId: 'c' });
      await hasPriority?.(6);
      const back = await python.get(PYTHON_VIDEO, { settle: 'ack' });
      expect(back?.payload).toEqual(bytes);
      expect(back?.headers).toEqual(headers);
      expect(back?.properties).toMatchObject({ reply_to: 'r', correlation_id: 'c' });
    },
    CASE_MS,
  );
}

/** @param {BothWaysOptions} o */
function itRoutes({ python, kombu: { Exchange, Queue }, connection, get }) {
  it(
    'topic and anonymous exchanges both ways, by bindings of the other',
    async () => {
      const news = new Exchange('news', { type: 'topic' });
      const pythonNews = { name: 'news', type: 'topic' };
      const stock = new Queue('stock', { exchange: news, routingKey: 'stock.#' });
      await stock.bind(connection()).declare();
      const theirs = { name: 'bonds', exchange: pythonNews, routing_key: 'bond.*' };
      await python.declare({ queue: theirs });
      await python.publish({ n: 1 }, { exchange: pythonNews, routing_key: 'stock.nasdaq' });
      expect((await get(stock)).payload).toEqual({ n: 1 });
      const producer = connection().producer();
      await producer.publish({ n: 2 }, { exchange: news, routingKey: 'bond.usd' });
      expect((await python.get(theirs, { settle: 'ack' }))?.payload).toEqual({ n: 2 });
      await python.publish({ n: 3 }, { routing_key: 'video' });
      expect((await get(new Queue('video'))).payload).toEqual({ n: 3 });
      await producer.publish({ n: 4 }, { routingKey: 'bonds' });
      expect((await python.get(theirs, { settle: 'ack' }))?.payload).toEqual({ n: 4 });
    },
    CASE_MS,
  );

  it(
    'fanout from Python to here',
    async () => {
      const exchange = { name: 'bcast', type: 'fanout' };
      const fan = new Queue('fan', { exchange: new Exchange('bcast', { type: 'fanout' }) });
      /** @type {unknown[]} */
      const got = [];
      const consumer = connection().consumer({
        queues: [fan],
        onMessage: async (/** @type {any} */ message) => {
          got.push(message.payload);
          await message.ack();
        },
      });
      await consumer.consume();
      await python.declare({ exchange });
      for (const n of [1, 2]) await python.publish({ n }, { exchange, routing_key: '' });
      await until(() => got.length === 2, { what: 'the broadcast' });
      expect(got).toEqual([{ n: 1 }, { n: 2 }]);
      await consumer.close();
    },
    CASE_MS,
  );
}

/** @param {BothWaysOptions} o */
function itIsShared({ python, kombu: { Queue }, connection, total, quietS, isEmpty }) {
  it(
    'a queue that both consume at once loses and doubles nothing',
    async () => {
      /** @type {number[]} */
      const here = [];
      const consumer = connection().consumer({
        queues: [new Queue('video')],
        autoDeclare: false,
        prefetchCount: 5,
        onMessage: async (/** @type {any} */ message) => {
          here.push(message.payload.n);
          await new Promise((resolve) => setTimeout(resolve, 2));
          await message.ack();
        },
      });
      await consumer.consume();
      const there = python.consume(PYTHON_VIDEO, { n: total, timeout: quietS, prefetch_count: 5 });
      const producer = connection().producer();
      for (let n = 0; n < total; n++) await producer.publish({ n }, TO_VIDEO);
      const theirs = (await there).map(({ payload }) => /** @type {{ n: number }} */ (payload).n);
      await until(() => here.length + theirs.length >= total, { what: 'all messages', timeoutMs: 30_000 });
      await consumer.close();
      expect([...here, ...theirs].sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
      await isEmpty();
    },
    CASE_MS,
  );
}
