import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KombuError } from '../../src/errors/index.js';
import { EnvelopeFrames, readEnvelope } from '../../src/virtual/envelope.js';
import { codeOf, message } from './support/level1.js';

const seed = Number(process.env.KOMBU_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

function write(sent: ReturnType<typeof message>, encoding: 'base64' | 'utf-8' = 'base64', expiresAt?: number): string {
  return new EnvelopeFrames(encoding)
    .writer(sent, 'media', 'video')
    .write('0f3e5c1e-0000-4000-8000-000000000000', expiresAt);
}

describe('properties that a store keeps beside the text', () => {
  it.each([write(message('it')), 'no envelope'])('are among those of the message: %j', (text) => {
    const beside = { message_attributes: { color: 'red' } };
    expect(readEnvelope(text, 'q', beside).takeProperties()).toMatchObject(beside);
    expect(readEnvelope(text, 'q').takeProperties()).not.toHaveProperty('message_attributes');
  });
});

describe('an envelope', () => {
  it('is what Python writes', () => {
    const sent = message('', {
      body: Buffer.from('[[2, 3], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'),
      contentType: 'application/json',
      headers: { lang: 'py' },
      properties: { correlationId: '6d2c', replyTo: '5b0c', deliveryMode: 2 },
    });
    expect(JSON.parse(write(sent))).toEqual({
      body: 'W1syLCAzXSwge30sIHsiY2FsbGJhY2tzIjogbnVsbCwgImVycmJhY2tzIjogbnVsbCwgImNoYWluIjogbnVsbCwgImNob3JkIjogbnVsbH1d',
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: { lang: 'py' },
      properties: {
        correlation_id: '6d2c',
        reply_to: '5b0c',
        delivery_mode: 2,
        delivery_info: { exchange: 'media', routing_key: 'video' },
        priority: 0,
        body_encoding: 'base64',
        delivery_tag: '0f3e5c1e-0000-4000-8000-000000000000',
      },
    });
  });

  it('has an expiry of its own that Python passes on', () => {
    const text = write(message('a'), 'base64', 1_700_000_000_123.4);
    expect((JSON.parse(text) as { properties: object }).properties).toMatchObject({ expires_at_ms: 1_700_000_000_123 });
    const read = readEnvelope(text, 'q');
    expect(read.expiresAt).toBe(1_700_000_000_123);
    expect(read.takeProperties()).toEqual({ deliveryMode: 2, priority: 0 });
  });

  it('writes text bodies as they are where that is asked for, and binary ones as base64 all the same', () => {
    const parsed = (text: string) => JSON.parse(text) as { body: string; properties: { body_encoding: string } };
    const plain = parsed(write(message('grüße "☃"\n'), 'utf-8'));
    expect([plain.body, plain.properties.body_encoding]).toEqual(['grüße "☃"\n', 'utf-8']);
    const binary = parsed(write(message('', { body: Buffer.from([0xff, 0xfe]) }), 'utf-8'));
    expect([binary.body, binary.properties.body_encoding]).toEqual(['//4=', 'base64']);
  });

  it('comes back as it was, for any message', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .filter((n) => !Object.is(n, -0) && (!Number.isInteger(n) || Number.isSafeInteger(n))),
      fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 70n }),
      fc.boolean(),
      fc.constant(null),
    );
    const headers = fc.dictionary(
      fc.string().filter((name) => name !== '__proto__' && name !== 'redelivered'),
      fc.oneof(
        value,
        fc.array(value),
        fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          value,
        ),
      ),
    );
    const text = fc.string({ unit: 'grapheme' });
    const properties = fc.record(
      {
        deliveryMode: fc.constantFrom(1, 2),
        priority: fc.nat(9),
        correlationId: text,
        replyTo: text,
        expiration: fc.nat().map(String),
        own: text,
      },
      { requiredKeys: ['priority'] },
    );
    const encoding = fc.constantFrom('base64' as const, 'utf-8' as const);
    fc.assert(
      fc.property(
        fc.uint8Array(),
        headers,
        properties,
        text,
        text,
        encoding,
        (body, head, props, exchange, key, how) => {
          const sent = message('', { body, headers: head, properties: props as { deliveryMode: 1 | 2 } });
          const read = readEnvelope(new EnvelopeFrames(how).writer(sent, exchange, key).write('tag', undefined), 'q');
          expect(Buffer.from(read.readBody()).equals(Buffer.from(body))).toBe(true);
          expect({ ...read.takeHeaders() }).toEqual({ ...head });
          expect(read.takeProperties()).toEqual({ ...props });
          expect([read.exchange, read.routingKey, read.contentType, read.contentEncoding, read.deliveryTag]).toEqual([
            exchange,
            key,
            'text/plain',
            'utf-8',
            'tag',
          ]);
        },
      ),
      { numRuns: 1000, seed },
    );
  });

  it('is refused when a header cannot be written', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const headers of [circular, { set: new Set([1]) }]) {
      expect(codeOf(() => write(message('a', { headers })))).toBe('ERR_KOMBU_ENCODE');
    }
  });
});

describe('reading what Python wrote', () => {
  const python = (over: object = {}, properties: object = {}): string =>
    JSON.stringify({
      body: 'aGVsbG8=',
      'content-encoding': 'utf-8',
      'content-type': 'text/plain',
      headers: {},
      properties: {
        delivery_mode: 2,
        delivery_info: { exchange: 'media', routing_key: 'video' },
        priority: 0,
        body_encoding: 'base64',
        delivery_tag: 'tag',
        ...properties,
      },
      ...over,
    });
  const body = (text: string): string => Buffer.from(readEnvelope(text, 'q').readBody()).toString();

  it('understands bodies in every encoding', () => {
    expect(body(python())).toBe('hello');
    expect(body(python({ body: 'hello ☃' }, { body_encoding: null }))).toBe('hello ☃');
    expect(body(python({ body: 'hello ☃' }, { body_encoding: 'UTF-8' }))).toBe('hello ☃');
    expect(body(python({ body: '' }))).toBe('');
    expect(body(python({ body: null }))).toBe('');
    expect(body(python({ body: 'aGVs\nbG8=\n' }))).toBe('hello');
    expect(body(python({ body: { __type__: 'base64', __value__: 'aGVsbG8=' } }, { body_encoding: null }))).toBe(
      'hello',
    );
    expect(body(python({ body: { __type__: 'bytes', __value__: 'hello' } }, { body_encoding: null }))).toBe('hello');
  });

  it.each([
    ['an unknown encoding', python({}, { body_encoding: 'rot13' })],
    ['broken base64', python({ body: '!!!!!' })],
    ['base64 that was cut off', python({ body: 'aGVsbG8aa' })],
    ['a body that is a number', python({ body: 5 })],
    ['a body that is a table', python({ body: { a: 1 } })],
  ])('ends in a DecodeError of the body alone: %s', (_what, text) => {
    const read = readEnvelope(text, 'q');
    expect(read.contentType).toBe('text/plain');
    expect(codeOf(() => read.readBody())).toBe('ERR_KOMBU_DECODE');
  });

  it('does without what is missing', () => {
    const read = readEnvelope('{"body": "hello", "properties": {"delivery_tag": 1}}', 'q');
    expect([
      read.contentType,
      read.contentEncoding,
      read.exchange,
      read.routingKey,
      read.deliveryTag,
      read.redelivered,
    ]).toEqual([undefined, undefined, '', 'q', undefined, false]);
    expect(read.takeHeaders()).toEqual({});
    expect(Buffer.from(read.readBody()).toString()).toBe('hello');
  });

  it('sees every mark of a message that was put back', () => {
    expect(readEnvelope(python({ redelivered: true }), 'q').redelivered).toBe(true);
    expect(readEnvelope(python({ headers: { redelivered: true } }), 'q').redelivered).toBe(true);
    const info = { exchange: 'media', routing_key: 'video', redelivered: true };
    expect(readEnvelope(python({}, { delivery_info: info }), 'q').redelivered).toBe(true);
    expect(readEnvelope(python(), 'q').redelivered).toBe(false);
  });

  it("reads Python's own JSON in headers", () => {
    const headers =
      '{"nan": NaN, "inf": -Infinity, "big": 1152921504606846976, "when": {"__type__": "datetime", "__value__": "2016-11-04T01:02:03.456"}}';
    const read = readEnvelope(python({ headers: 'HERE' }).replace('"HERE"', headers), 'q').takeHeaders();
    expect(read).toEqual({
      nan: Number.NaN,
      inf: Number.NEGATIVE_INFINITY,
      big: 1152921504606846976n,
      when: new Date(Date.UTC(2016, 10, 4, 1, 2, 3, 456)),
    });
    const unknown = readEnvelope(python({ headers: { odd: { __type__: 'tuple', __value__: 1 } } }), 'q');
    expect(unknown.takeHeaders()).toEqual({ odd: { __type__: 'tuple', __value__: 1 } });
    expect(Buffer.from(unknown.readBody()).toString()).toBe('hello');
  });

  it('delivers what no Kombu wrote as it is', () => {
    const json = readEnvelope('{"Records": [1, 2]}', 'q');
    expect([json.contentType, json.routingKey, Buffer.from(json.readBody()).toString()]).toEqual([
      'application/json',
      'q',
      '{"Records": [1, 2]}',
    ]);
    const text = readEnvelope('no json at all ☃', 'q');
    expect([text.contentType, Buffer.from(text.readBody()).toString()]).toEqual(['text/plain', 'no json at all ☃']);
    expect(readEnvelope('', 'q').readBody().byteLength).toBe(0);
  });

  it('changes no prototype', () => {
    const text = python({ headers: 'HERE' }, { odd: 1 })
      .replace('"HERE"', '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}')
      .replace('"odd":1', '"__proto__": {"polluted": 1}');
    const read = readEnvelope(text, 'q');
    expect(Object.keys(read.takeHeaders())).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(read.takeProperties())).toBe(Object.prototype);
    expect((read.takeProperties() as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it(`survives 20,000 bad envelopes (seed ${seed})`, () => {
    const good = python({ headers: { a: [1, { b: 'c' }], n: 12 } });
    const parts = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      'null',
      'NaN',
      '1e999',
      '\\u0000',
      '"__proto__"',
      '"body":',
      '"properties":{}',
      '\\',
      '9'.repeat(40),
    ];
    const mutated = fc
      .array(
        fc.tuple(fc.nat(good.length), fc.nat(12), fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 5 }))),
        {
          minLength: 1,
          maxLength: 4,
        },
      )
      .map((edits) => edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), good));
    const reshaped = fc
      .record({
        body: fc.jsonValue(),
        'content-type': fc.jsonValue(),
        'content-encoding': fc.jsonValue(),
        headers: fc.jsonValue(),
        properties: fc.oneof(
          fc.jsonValue(),
          fc.record({
            delivery_info: fc.jsonValue(),
            body_encoding: fc.jsonValue(),
            delivery_tag: fc.jsonValue(),
            expires_at_ms: fc.jsonValue(),
            priority: fc.jsonValue(),
          }),
        ),
        redelivered: fc.jsonValue(),
      })
      .map((value) => JSON.stringify(value));
    const begun = performance.now();
    fc.assert(
      fc.property(fc.oneof(mutated, reshaped, fc.string()), (text) => {
        const read = readEnvelope(text, 'q');
        for (const one of [read.exchange, read.routingKey])
          if (typeof one !== 'string') throw new Error(`${typeof one} for a name`);
        for (const one of [read.contentType, read.contentEncoding, read.deliveryTag]) {
          if (one !== undefined && typeof one !== 'string') throw new Error(`${typeof one} for a text`);
        }
        if (typeof read.takeHeaders() !== 'object' || Array.isArray(read.takeHeaders()))
          throw new Error('headers are no table');
        read.takeProperties();
        try {
          if (!(read.readBody() instanceof Uint8Array)) throw new Error('a body that is no bytes');
        } catch (error) {
          if (!KombuError.is(error, 'ERR_KOMBU_DECODE')) throw error;
        }
      }),
      { numRuns: 20_000, seed },
    );
    expect(performance.now() - begun).toBeLessThan(60_000);
  }, 90_000);
});
