import { describe, expect, it } from '@jest/globals';
import { msgpackSerializer } from '../../src/codec/msgpack/msgpack.js';
import { DecodeError, EncodeError } from '../../src/errors/index.js';

const serializer = msgpackSerializer();
const write = (value: unknown): string => Buffer.from(serializer.encode(value) as Buffer).toString('hex');
const read = (hex: string): unknown => serializer.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 'binary');

describe('msgpack', () => {
  it('reads and writes what Kombu 5.2.4 publishes, byte for byte', () => {
    expect(read('82a16101a162920102')).toEqual({ a: 1, b: [1, 2] });
    expect(write({ a: 1, b: [1, 2] })).toBe('82a16101a162920102');
  });

  it('keeps text and bytes apart', () => {
    expect(write('ab')).toBe('a26162');
    expect(write(Buffer.from('ab'))).toBe('c4026162');
    expect(read('c4026162')).toEqual(Buffer.from('ab'));
    expect(read('a26162')).toBe('ab');
  });

  it.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [256, 'cd0100'],
    [65536, 'ce00010000'],
    [4294967296, 'cf0000000100000000'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-129, 'd1ff7f'],
    [-32769, 'd2ffff7fff'],
    [-2147483649, 'd3ffffffff7fffffff'],
    [1.5, 'cb3ff8000000000000'],
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    [-(2n ** 63n), 'd38000000000000000'],
  ])('writes %s in the shortest form, and reads it back', (value, hex) => {
    expect(write(value)).toBe(hex);
    expect(read(hex)).toBe(value);
  });

  it('reads 32-bit floats, the -0 it wrote, and timestamps', () => {
    expect(read('ca3fc00000')).toBe(1.5);
    expect(read(write(-0))).toBe(-0);
    expect(read('d6ff00000001')).toEqual(new Date(1000));
    expect(read('d7ff1dcd650000000001')).toEqual(new Date(1125));
    expect(read('c70cff1dcd65000000000000000001')).toEqual(new Date(1500));
  });

  it('writes dates, maps and objects with toJSON as json does, and leaves undefined out', () => {
    expect(
      read(write({ d: new Date(0), m: new Map([['a', 1]]), j: { toJSON: () => 'x' }, u: undefined, l: [undefined] })),
    ).toEqual({
      d: '1970-01-01T00:00:00.000+00:00',
      m: { a: 1 },
      j: 'x',
      l: [null],
    });
  });

  it('reads keys that are not text as text, and keeps __proto__ an ordinary key', () => {
    expect(read('82 01a161 c401 62 02')).toEqual({ 1: 'a', b: 2 });
    const value = read('81a95f5f70726f746f5f5f81a17801') as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('writes long text, bytes, arrays and maps', () => {
    const value = {
      text: ['a'.repeat(31), 'a'.repeat(32), 'é'.repeat(200), 'a'.repeat(70_000)],
      bytes: [Buffer.alloc(255), Buffer.alloc(256), Buffer.alloc(70_000, 1)],
      lists: [Array(15).fill(0), Array(16).fill(0), Array(70_000).fill(0)],
      map: Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i])),
    };
    expect(read(write(value))).toEqual(value);
  });

  it.each([
    '',
    'c1',
    'a3 6162',
    'c405 01',
    '92 01',
    '82a16101',
    '0101',
    'dd ffffffff',
    'df ffffffff 01',
    'c6 ffffffff',
    'd4 05 00',
    'd8ff',
    'c7 03ff 000000',
    'a1 ff',
    '81 90 01',
    'c70cff 00000000 7fffffffffffffff',
  ])('refuses the malformed body %s', (hex) => {
    expect(() => read(hex)).toThrow(DecodeError);
  });

  it('allocates nothing for lengths that the body cannot hold, however deep', () => {
    const body = 'dd0000ffff'.repeat(400);
    const before = process.memoryUsage().rss;
    expect(() => read(body)).toThrow(DecodeError);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('bounds depth and integers, and refuses what cannot be written', () => {
    expect(() => read(`${'91'.repeat(600)}00`)).toThrow(/nested deeper/);
    expect(read(`${'91'.repeat(500)}00`)).toBeDefined();
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [undefined, circle, 2n ** 64n, -(2n ** 63n) - 1n, new Set([1]), () => 1]) {
      expect(() => write(value)).toThrow(EncodeError);
    }
  });
});
