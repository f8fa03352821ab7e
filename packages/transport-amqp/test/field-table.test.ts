import { describe, expect, it } from '@jest/globals';
import { DecodeError, EncodeError } from '@kombu/core';
import fc from 'fast-check';
import { readTable } from '../src/wire/table-reader.js';
import { TableWriter } from '../src/wire/table-writer.js';

const encode = (table: Record<string, unknown>): Buffer => Buffer.from(new TableWriter().encode(table));
const decode = (bytes: Buffer): Record<string, unknown> => readTable(bytes, 4, bytes.length);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a header table as py-amqp writes it', () => {
  // {a: 1, b: 2**31, c: 1.5, d: None, e: True, f: [None, None], g: {'x': 'y'}, h: b'raw'}
  const python = hex(
    '00000046 0161 49 00000001 0162 4c 0000000080000000 0163 64 3ff8000000000000 0164 56 0165 74 01 ' +
      '0166 41 00000002 5656 0167 46 00000008 0178 53 00000001 79 0168 53 00000003 726177',
  );

  it('is read', () => {
    const table = decode(python);
    expect(table).toEqual({ a: 1, b: 2 ** 31, c: 1.5, d: null, e: true, f: [null, null], g: { x: 'y' }, h: 'raw' });
  });

  it('is what we write, but for the 64-bit integer that amqplib reads too, and bytes that stay bytes', () => {
    const ours = encode({
      a: 1,
      b: 2 ** 31,
      c: 1.5,
      d: null,
      e: true,
      f: [null, null],
      g: { x: 'y' },
      h: Buffer.from('raw'),
    });
    const expected = python.toString('hex').replace('01624c', '01626c').replace('016853', '016878');
    expect(ours.toString('hex')).toBe(expected);
  });

  it.each([
    ['L, a negative 64-bit integer', '0161 4c fffffffeffffffff', -4294967297],
    ['l, which RabbitMQ takes for signed', '0161 6c ffffffffffffffff', -1],
    ['L beyond 2^53', '0161 4c 7fffffffffffffff', 2n ** 63n - 1n],
    ['i, unsigned', '0161 69 ffffffff', 4294967295],
    ['b', '0161 62 ff', -1],
    ['B', '0161 42 ff', 255],
    ['s', '0161 73 ff38', -200],
    ['U', '0161 55 ff38', -200],
    ['u', '0161 75 ff38', 65336],
    ['f', '0161 66 3fc00000', 1.5],
    ['D, positive', '0161 44 02 0000007b', '1.23'],
    ['D, negative', '0161 44 03 ffffffff', '-0.001'],
    ['D, whole', '0161 44 00 00000007', '7'],
    ['T', '0161 54 000000005685c180', new Date('2016-01-01T00:00:00Z')],
    ['S that is not UTF-8', '0161 53 00000002 ff00', Buffer.from([0xff, 0])],
    ['S with a replacement character of its own', '0161 53 00000003 efbfbd', '\ufffd'],
    ['x', '0161 78 00000002 ff00', Buffer.from([0xff, 0])],
  ])('reads %s', (_, bytes, value) => {
    const body = hex(bytes);
    expect(readTable(body, 0, body.length)).toEqual({ a: value });
  });
});

describe('writing a header table', () => {
  it.each([
    [0, '49 00000000'],
    [-1, '49 ffffffff'],
    [200, '49 000000c8'],
    [2147483647, '49 7fffffff'],
    [-2147483648, '49 80000000'],
    [2147483648, '6c 0000000080000000'],
    [-2147483649, '4c ffffffff7fffffff'],
    [2n ** 63n - 1n, '6c 7fffffffffffffff'],
    [-(2n ** 63n), '4c 8000000000000000'],
    [5n, '49 00000005'],
    [0.1, '64 3fb999999999999a'],
    [1e300, '64 7e37e43c8800759c'],
    ['', '53 00000000'],
    ['\u2603', '53 00000003 e29883'],
    [new Date('2016-01-01T00:00:00.999Z'), '54 000000005685c180'],
    [new Uint8Array([0, 255]), '78 00000002 00ff'],
    [[1, [true]], '41 0000000c 49 00000001 41 00000002 7401'],
    [{ toJSON: () => 'own form' }, '53 00000008 6f776e20666f726d'],
    [new Map([['k', 1]]), '46 00000007 016b 49 00000001'],
  ])('encodes %p for every reader', (value, bytes) => {
    expect(encode({ a: value }).toString('hex')).toBe(
      `${(hex(bytes).length + 2).toString(16).padStart(8, '0')}0161${hex(bytes).toString('hex')}`,
    );
  });

  it('leaves out what is undefined', () => {
    expect(encode({ a: undefined }).toString('hex')).toBe('00000000');
  });

  it('grows with what it is given', () => {
    const large = { text: 'x'.repeat(100_000), bytes: Buffer.alloc(50_000, 7) };
    expect(decode(encode(large))).toEqual(large);
  });

  it.each([
    ['a.b', { a: { b: () => 1 } }],
    ['a.1', { a: [1, Symbol('s')] }],
    ['a', { a: 2n ** 63n }],
    ['a', { a: Number.NaN }],
    ['a.0', { a: [Number.NEGATIVE_INFINITY] }],
    ['a', { a: new Date(-1000) }],
    ['a', { a: new Date(Number.NaN) }],
  ])('names %s when it cannot be sent', (path, table) => {
    expect(() => encode(table)).toThrow(EncodeError);
    expect(() => encode(table)).toThrow(JSON.stringify(path));
  });

  it('refuses a name of more than 255 bytes and a table that contains itself', () => {
    expect(() => encode({ ['x'.repeat(256)]: 1 })).toThrow(/255 bytes/);
    const loop: Record<string, unknown> = {};
    loop.again = loop;
    expect(() => encode(loop)).toThrow(/in itself/);
  });

  it('is of use again after it failed', () => {
    const writer = new TableWriter();
    expect(() => writer.encode({ a: { b: [() => 1] } })).toThrow('"a.b.0"');
    expect(() => writer.encode({ c: () => 1 })).toThrow('"c"');
    expect(writer.encode({}).toString('hex')).toBe('00000000');
  });
});

describe('reading back what was written', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((n) => !Object.is(n, -0) && (!Number.isInteger(n) || Number.isSafeInteger(n))),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.integer({ min: 0, max: 253402300799 }).map((seconds) => new Date(seconds * 1000)),
  );
  const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
    table: fc.dictionary(fc.string({ maxLength: 60 }), tie('value'), { noNullPrototype: true, maxKeys: 6 }),
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      tie('table'),
    ),
  }));

  it('gives the same values, at any depth', () => {
    fc.assert(
      fc.property(table, (value) => {
        expect(decode(encode(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('makes no prototype of a header', () => {
    const evil = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}');
    const read = decode(encode(evil));
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('reading bytes that are no table', () => {
  it('ends with a typed error, whatever they are', () => {
    const good = encode({ a: 1, b: [1, { c: 'x' }], d: Buffer.alloc(5), e: new Date(0), f: 2 ** 40 });
    const mutated = fc
      .array(fc.tuple(fc.nat({ max: good.length - 5 }), fc.integer({ min: 0, max: 255 })), { maxLength: 4 })
      .map((changes) => {
        const bytes = Buffer.from(good.subarray(4));
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const seed = Date.now() % 2 ** 31;
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          try {
            readTable(bytes, 0, bytes.length);
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error;
          }
        },
      ),
      { numRuns: 20_000, seed },
    );
  });

  it('does not follow a nest to the end of the stack', () => {
    const deep = Buffer.alloc(7 * 100_000);
    for (let at = 0; at + 7 <= deep.length; at += 7) {
      deep.write('\u0001aF', at, 'latin1');
      deep.writeUInt32BE(deep.length - at - 7, at + 3);
    }
    expect(() => readTable(deep, 0, deep.length)).toThrow(DecodeError);
  });
});
