import { describe, expect, it } from '@jest/globals';
import { jsonSerializer } from '../../src/codec/json/json.js';
import { parseJson } from '../../src/codec/json/read.js';
import { stringifyJson } from '../../src/codec/json/write.js';
import { DecodeError, EncodeError } from '../../src/errors/index.js';
import { Decimal, Uuid } from './rich-values.js';

const plain = jsonSerializer();
const tagged = jsonSerializer({ tagged: true });
const write = (value: unknown, serializer = plain): string =>
  Buffer.from(serializer.encode(value) as Buffer).toString();
const read = (text: string | Buffer, serializer = plain): unknown =>
  serializer.decode(Buffer.from(text as string), 'utf-8');

describe('writing json', () => {
  it('writes plain values exactly as JSON.stringify does', () => {
    const values = [
      null,
      true,
      'é☃\u{1f600}',
      '\ud800',
      0,
      -1.5,
      [],
      {},
      [undefined, 1],
      { a: undefined, b: [{ c: 'd' }] },
    ];
    for (const value of values) expect(write(value)).toBe(JSON.stringify(value));
  });

  it('writes a Date as ISO 8601 with three digits and +00:00, also inside arrays and objects', () => {
    const date = new Date(Date.UTC(2016, 10, 4, 1, 2, 3, 45));
    expect(write(date)).toBe('"2016-11-04T01:02:03.045+00:00"');
    expect(write({ at: [date] })).toBe('{"at":["2016-11-04T01:02:03.045+00:00"]}');
  });

  it('writes a bigint as a bare integer, and NaN and the infinities as Python has them', () => {
    expect(write({ n: 12345678901234567890n })).toBe('{"n":12345678901234567890}');
    expect(write([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe('[NaN,Infinity,-Infinity]');
  });

  it('writes bytes of every kind as base64 text', () => {
    const bytes = Uint8Array.of(0, 1, 255);
    for (const value of [Buffer.from(bytes), bytes, bytes.buffer, new DataView(bytes.buffer)]) {
      expect(write({ b: value })).toBe('{"b":"AAH/"}');
    }
  });

  it('asks __json__ first, then toJSON, and writes what they return by the same rules', () => {
    class Money {
      amount = 5n;
      __json__() {
        return { amount: this.amount, at: new Date(0) };
      }
      toJSON() {
        return 'not this';
      }
    }
    expect(write([new Money()])).toBe('[{"amount":5,"at":"1970-01-01T00:00:00.000+00:00"}]');
    expect(write({ toJSON: (key: string) => `top${key}` })).toBe('"top"');
    expect(write({ k: { toJSON: (key: string) => key } })).toBe('{"k":"k"}');
  });

  it('writes a Map as an object and a typed array as its numbers', () => {
    expect(
      write(
        new Map<unknown, unknown>([
          [2, 1],
          ['a', new Date(0)],
        ]),
      ),
    ).toBe('{"2":1,"a":"1970-01-01T00:00:00.000+00:00"}');
    expect(write({ f: Float64Array.of(1, 2.5) })).toBe('{"f":[1,2.5]}');
  });

  it('writes the own properties of a class instance', () => {
    class Point {
      x = 1;
      at = new Date(0);
    }
    expect(write(new Point())).toBe('{"x":1,"at":"1970-01-01T00:00:00.000+00:00"}');
  });

  it('refuses what would be lost: undefined, functions, sets, invalid dates, odd map keys, circles', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const many: unknown[] = [];
    many.push(many, many);
    const bad = [undefined, () => 1, Symbol('s'), new Set([1]), new Date(Number.NaN), new Map([[{}, 1]]), circle, many];
    for (const value of bad) expect(() => write(value)).toThrow(EncodeError);
    expect(() => write({ when: Promise.resolve() })).toThrow(EncodeError);
  });

  it('says which class it refuses, at which key, and what to do, where `{}` would be all that is left', () => {
    expect(() => write({ order: { tags: new Set([1]) } })).toThrow(
      "A value of class Set at 'tags' cannot be serialized; make it an array first",
    );
    expect(() => write({ when: Promise.resolve() })).toThrow("class Promise at 'when' cannot be serialized; await it");
    expect(() => write(new TypeError('no'))).toThrow('A value of class TypeError cannot be serialized; take what is');
    expect(() => write({ reason: AbortSignal.abort().reason })).toThrow("class DOMException at 'reason' cannot");
    expect(() => write([/x/])).toThrow("A value of class RegExp at '0' cannot be serialized");
    class Told extends Error {
      toJSON(): unknown {
        return { message: this.message };
      }
    }
    expect(write(new Told('why'))).toBe('{"message":"why"}');
  });

  it('tags rich values on request, exactly as Kombu 5.3 and later do', () => {
    expect(write(new Date(0), tagged)).toBe('{"__type__":"datetime","__value__":"1970-01-01T00:00:00.000+00:00"}');
    expect(write(Buffer.from('héllo'), tagged)).toBe('{"__type__":"bytes","__value__":"héllo"}');
    expect(write(Buffer.from([0, 255]), tagged)).toBe('{"__type__":"base64","__value__":"AP8="}');
    expect(write(new Decimal('1.10'), tagged)).toBe('{"__type__":"decimal","__value__":"1.10"}');
    expect(write(new Uuid('00000000-0000-0000-0000-00000000000A'), tagged)).toBe(
      '{"__type__":"uuid","__value__":{"hex":"0000000000000000000000000000000A"}}',
    );
    expect(write([new Decimal('1.10'), new Uuid('00000000-0000-0000-0000-00000000000A')])).toBe(
      '["1.10","00000000-0000-0000-0000-00000000000A"]',
    );
  });

  it('writes and reads types of the application', () => {
    class Money {
      readonly cents: bigint;
      constructor(cents: bigint) {
        this.cents = cents;
      }
    }
    const types = {
      money: {
        is: (value: object) => value instanceof Money,
        encode: (money: Money) => money.cents,
        decode: (cents: number) => new Money(BigInt(cents)),
      },
    };
    const serializer = jsonSerializer({ types });
    const text = write({ m: new Money(150n) }, serializer);
    expect(text).toBe('{"m":{"__type__":"money","__value__":150}}');
    expect(read(text, serializer)).toEqual({ m: new Money(150n) });
    const bare = jsonSerializer({ types: { money: { ...types.money, tag: false } } });
    expect(write(new Money(7n), bare)).toBe('7');
  });
});

describe('reading json', () => {
  it('reads integers beyond 2^53 as bigint and others as numbers', () => {
    expect(
      read('{"a": 9007199254740993, "b": -12345678901234567890, "c": 9007199254740991, "d": 1e300, "e": 1e400}'),
    ).toEqual({
      a: 9007199254740993n,
      b: -12345678901234567890n,
      c: 9007199254740991,
      d: 1e300,
      e: Number.POSITIVE_INFINITY,
    });
    expect(read('["1234567890123456789", 0.1234567890123456789]')).toEqual([
      '1234567890123456789',
      0.12345678901234568,
    ]);
  });

  it("reads Python's NaN and infinities, beside big integers and nested values", () => {
    expect(
      read(
        '{"a": [NaN, Infinity, -Infinity], "b": 12345678901234567890, "c": "NaN", "d": {"e": -1.5e3}, "f": [ ], "g": {}}',
      ),
    ).toEqual({
      a: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      b: 12345678901234567890n,
      c: 'NaN',
      d: { e: -1500 },
      f: [],
      g: {},
    });
    expect(read('[NaN, "a\\"b\\\\", "\\u2603\\ud83d\\ude00", true, false, null]')).toEqual([
      Number.NaN,
      'a"b\\',
      '☃\u{1f600}',
      true,
      false,
      null,
    ]);
  });

  it('reads what Kombu 5.3 and later tag', () => {
    const text = `[
      {"__type__": "datetime", "__value__": "2016-11-04T01:02:03.456789"},
      {"__type__": "datetime", "__value__": "2016-11-04T03:02:03+02:00"},
      {"__type__": "date", "__value__": "2020-01-02"}, {"__type__": "time", "__value__": "01:02:03"},
      {"__type__": "decimal", "__value__": "1.10"},
      {"__type__": "uuid", "__value__": {"hex": "0000000000000000000000000000000a"}},
      {"__type__": "uuid", "__value__": {"hex": "0000000000000000000000000000000a", "version": 4}},
      {"__type__": "bytes", "__value__": "h\\u00e9"}, {"__type__": "base64", "__value__": "AP8="},
      {"a": {"__type__": "decimal", "__value__": "2"}, "__type__": "x", "__value__": 1}
    ]`;
    expect(read(text)).toEqual([
      new Date(Date.UTC(2016, 10, 4, 1, 2, 3, 456)),
      new Date(Date.UTC(2016, 10, 4, 1, 2, 3)),
      '2020-01-02',
      '01:02:03',
      '1.10',
      '00000000-0000-0000-0000-00000000000a',
      '00000000-0000-0000-0000-00000000000a',
      Buffer.from('hé'),
      Buffer.from([0, 255]),
      { a: '2', __type__: 'x', __value__: 1 },
    ]);
  });

  it.each([
    '{"__type__": "nonsense", "__value__": 1}',
    '{"__type__": 5, "__value__": 1}',
    '{"__type__": "datetime", "__value__": "yesterday"}',
    '{"__type__": "datetime", "__value__": 5}',
    '{"__type__": "uuid", "__value__": {"hex": "12"}}',
    '{"__type__": "toString", "__value__": 1}',
  ])('refuses the malformed tag %s', (text) => {
    expect(() => read(text)).toThrow(DecodeError);
  });

  it('keeps __proto__ an ordinary key, whichever parser read it', () => {
    for (const text of [
      '{"__proto__": {"polluted": 1}}',
      '{"__proto__": {"polluted": NaN}}',
      '{"__proto__": {"x": {"__type__": "decimal", "__value__": "1"}}}',
    ]) {
      const value = read(text) as Record<string, unknown>;
      expect(Object.getPrototypeOf(value)).toBe(Object.getPrototypeOf(JSON.parse('{}')));
      expect(Object.keys(value)).toEqual(['__proto__']);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    }
  });

  it.each([
    '',
    '{',
    '[1,]',
    '{"a" 1}',
    'nope',
    '"a',
    '[NaN',
    '{"a": NaN,}',
    'NaN NaN',
    '[NaN, "a\nb"]',
    '[NaN, 01]',
    '[Infinity, +1]',
    '\ufeff{}',
    'NaN"',
    "{'a': NaN}",
    '[NaN, "\\x"]',
    '[NaN, tru]',
  ])('refuses the malformed text %j without quoting it', (text) => {
    const fail = (): unknown => parseJson(text);
    expect(fail).toThrow(DecodeError);
  });

  it('does not repeat the body in an error', () => {
    expect(() => read('{"password": "hunter2", nonsense}')).toThrow(
      /^The JSON body is malformed: unexpected token at position \d+$/,
    );
  });

  it('refuses invalid UTF-8, but not the replacement character itself', () => {
    expect(() => read(Buffer.from([0x22, 0xff, 0x22]))).toThrow(DecodeError);
    expect(read('"\ufffd"')).toBe('\ufffd');
  });

  it('bounds the nesting both ways', () => {
    const deep = (levels: number, inner: string): string => '['.repeat(levels) + inner + ']'.repeat(levels);
    expect(() => read(deep(100_000, ''))).toThrow(DecodeError);
    expect(() => read(deep(100_000, 'NaN'))).toThrow(DecodeError);
    expect(read(deep(512, '1'))).toBeDefined();
    expect(read(deep(512, 'NaN'))).toBeDefined();
    expect(() => read(deep(513, '1'))).toThrow(DecodeError);
    let value: unknown = 1;
    for (let i = 0; i < 513; i++) value = [value];
    expect(() => stringifyJson(value)).toThrow(EncodeError);
    expect(stringifyJson((value as unknown[])[0])).toBe(deep(512, '1'));
  });

  it('does not let JSON.parse see text that is long and deep, also when brackets stand in strings', () => {
    const before = process.memoryUsage().rss;
    for (const unit of ['[', '{"a":', '[[]', '["\\"",']) {
      const started = performance.now();
      expect(() => read(unit.repeat(4_000_000 / unit.length))).toThrow(/nested deeper than 512/);
      expect(performance.now() - started).toBeLessThan(1000);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    const flat = JSON.stringify({ list: Array(50_000).fill('[[[[{{{{"\\'), more: Array(50_000).fill([]) });
    expect(read(flat)).toEqual(JSON.parse(flat));
    expect(() => read('"'.repeat(100_001))).toThrow(DecodeError);
  });

  it('bounds the digits of an integer', () => {
    expect(read(`[${'9'.repeat(4300)}]`)).toEqual([BigInt('9'.repeat(4300))]);
    expect(() => read(`[${'9'.repeat(4301)}]`)).toThrow(DecodeError);
  });
});
