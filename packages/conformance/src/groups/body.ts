import assert from 'node:assert/strict';
import { declare, fetchOne, isEmpty } from '../actions.js';
import { group, testCase } from '../case.js';
import type { CaseContext } from '../context.js';
import { refuses } from '../expect.js';

/** Sends bytes and gives back what came: the message, decoded by nobody. */
async function there(
  t: CaseContext,
  body: Uint8Array,
  o: { readonly compression?: string | undefined } = {},
): Promise<Uint8Array> {
  const connection = await t.connection();
  const queue = t.queue();
  await declare(connection, queue);
  await t.producer(connection, o).publish(body, { routingKey: queue.name });
  const message = await fetchOne(t, connection, queue);
  assert.equal(message.contentType, 'application/data');
  assert.equal(message.contentEncoding, 'binary');
  await message.ack();
  assert.ok(message.payload instanceof Uint8Array);
  return message.payload;
}

async function headersThere(t: CaseContext, headers: Record<string, unknown>): Promise<Record<string, unknown>> {
  const connection = await t.connection();
  const queue = t.queue();
  await declare(connection, queue);
  await t.producer(connection).publish('it', { routingKey: queue.name, headers });
  return (await fetchOne(t, connection, queue, { noAck: true })).headers;
}

/** A bigint that fits is a number by the time it was read back; which of the two does not matter here. */
function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : typeof value === 'number' ? value.toString() : value;
}

/** Bodies and headers of every kind and size. */
export const body = group('body', [
  testCase('an empty body, and one of a single byte', async (t) => {
    assert.equal((await there(t, new Uint8Array(0))).length, 0);
    for (const byte of [0, 10, 127, 128, 255]) assert.deepEqual([...(await there(t, Uint8Array.of(byte)))], [byte]);
  }),

  testCase('all 256 values of a byte', async (t) => {
    const all = Uint8Array.from({ length: 1024 }, (_, i) => i % 256);
    assert.ok(Buffer.from(all).equals(await there(t, all)));
  }),

  testCase('sizes around the powers of two up to 256 KiB', async (t) => {
    const largest = (await t.capabilities()).maxBodyBytes ?? Number.POSITIVE_INFINITY;
    for (let size = 1024; size <= 256 * 1024; size *= 4) {
      for (const length of [size - 1, size, size + 1]) {
        if (length > largest) continue;
        const sent = Buffer.alloc(length, 'a kombu leaf ');
        assert.ok(sent.equals(await there(t, sent)), `${length} bytes`);
      }
    }
  }),

  testCase('the largest body that is declared passes; one byte more is MESSAGE_TOO_LARGE', async (t) => {
    const connection = await t.connection();
    const max = connection.capabilities.maxBodyBytes;
    if (max === undefined) {
      const sent = Buffer.alloc(2 * 1024 * 1024, 'kombu');
      assert.ok(sent.equals(await there(t, sent)), 'without a maximum 2 MiB pass');
      return;
    }
    const sent = Buffer.alloc(max, 'k');
    assert.ok(sent.equals(await there(t, sent, { compression: undefined })));
    const queue = t.queue();
    await declare(connection, queue);
    const producer = t.producer(connection, { compression: undefined });
    const publish = (): Promise<void> => producer.publish(Buffer.alloc(max + 1, 'k'), { routingKey: queue.name });
    await refuses('one byte more', publish, 'MESSAGE_TOO_LARGE');
    await isEmpty(t, connection, queue);
  }),

  testCase('text of every alphabet', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const text = 'aä€中文\u{1F600}\u0000\u2028\n\r\t"\\ \uFEFFعربي';
    await t.producer(connection).publish(text, { routingKey: queue.name });
    const plainText = await fetchOne(t, connection, queue, { noAck: true });
    assert.deepEqual([plainText.payload, plainText.contentType], [text, 'text/plain']);
    await t.producer(connection).publish({ [text]: text }, { routingKey: queue.name, serializer: 'json' });
    assert.deepEqual((await fetchOne(t, connection, queue, { noAck: true })).payload, { [text]: text });
  }),

  testCase('headers: text of every alphabet, in names and values', async (t) => {
    const headers = { ключ: 'значение', 鍵: '值', 'with space': '\u{1F600}', empty: '', 'UPPER-Case': 'kept' };
    const got = await headersThere(t, headers);
    for (const [name, value] of Object.entries(headers)) assert.equal(got[name], value, name);
  }),

  testCase('headers: integers of every size', async (t) => {
    const numbers: Record<string, number | bigint> = { zero: 0, minus: -1 };
    for (const bits of [7, 8, 15, 16, 31, 32, 52]) {
      for (const d of [-1, 0, 1]) {
        numbers[`p${bits}_${d}`] = 2 ** bits + d;
        numbers[`m${bits}_${d}`] = -(2 ** bits) + d;
      }
    }
    numbers.maxSafe = Number.MAX_SAFE_INTEGER;
    numbers.minSafe = Number.MIN_SAFE_INTEGER;
    numbers.big = 2n ** 53n + 1n;
    numbers.max64 = 2n ** 63n - 1n;
    numbers.min64 = -(2n ** 63n);
    const got = await headersThere(t, numbers);
    for (const [name, value] of Object.entries(numbers)) assert.equal(plain(got[name]), plain(value), name);
  }),

  testCase('headers: fractions, truth values, null, lists and tables inside each other', async (t) => {
    const headers = {
      half: 0.5,
      tiny: 1e-300,
      yes: true,
      no: false,
      nothing: null,
      list: [1, 'two', [3, { four: 4 }], null, true],
      table: { a: { b: { c: ['d'] } }, n: -1.25 },
      none: [],
      bare: {},
    };
    const got = await headersThere(t, headers);
    for (const [name, value] of Object.entries(headers)) assert.deepEqual(got[name], value, name);
  }),

  testCase('names that JavaScript knows are only names', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const sent = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": "c", "toString": "t"}');
    const headers = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": "c", "hasOwnProperty": "h"}');
    await t.producer(connection).publish(sent, { routingKey: queue.name, headers });
    const message = await fetchOne(t, connection, queue, { noAck: true });
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
    assert.equal((message.payload as Record<string, unknown>).polluted, undefined);
    assert.equal(Object.hasOwn(message.payload as object, 'toString'), true);
    assert.equal(message.headers.constructor, 'c');
    assert.equal(message.headers.polluted, undefined);
  }),
]);
