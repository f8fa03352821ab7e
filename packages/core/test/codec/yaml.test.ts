import { describe, expect, it } from '@jest/globals';
import { yamlSerializer } from '../../src/codec/yaml/yaml.js';
import { DecodeError, EncodeError } from '../../src/errors/index.js';

const serializer = yamlSerializer();
const write = (value: unknown): string => serializer.encode(value) as string;
const read = (text: string): unknown => serializer.decode(Buffer.from(text), 'utf-8');

describe('yaml', () => {
  it('reads what Kombu 5.2.4 publishes', () => {
    expect(read('a: 1\nb:\n- 1\n- 2\n')).toEqual({ a: 1, b: [1, 2] });
  });

  it("reads the types of PyYAML's safe loader", () => {
    const text = [
      'octal: 017',
      'sexagesimal: 1:30',
      'yes: no',
      'when: 2020-01-02T03:04:05.123456+02:00',
      'day: 2020-01-02',
      'bytes: !!binary AAH/',
      'set: !!set {a, b}',
      'big: 123456789012345678901',
      'small: 12345678901234567',
      'nan: .nan',
      'inf: -.inf',
      'none: ~',
      'base: &b {x: 1}',
      'merged: {<<: *b, y: 2}',
      'again: *b',
    ].join('\n');
    expect(read(text)).toEqual({
      octal: 15,
      sexagesimal: 90,
      true: false,
      when: new Date(Date.UTC(2020, 0, 2, 1, 4, 5, 123)),
      day: new Date(Date.UTC(2020, 0, 2)),
      bytes: Buffer.from([0, 1, 255]),
      set: new Set(['a', 'b']),
      big: 123456789012345678901n,
      small: 12345678901234567n,
      nan: Number.NaN,
      inf: Number.NEGATIVE_INFINITY,
      none: null,
      base: { x: 1 },
      merged: { x: 1, y: 2 },
      again: { x: 1 },
    });
  });

  it('writes numbers, dates and bytes so that Python takes them for what they are', () => {
    expect(write({ a: 1e21, b: 1e-7, c: -0, d: 2.5, e: Number.NaN, f: new Date(0), g: 2n ** 70n })).toBe(
      '"a": 1.0e+21\n"b": 1.0e-7\n"c": -0.0\n"d": 2.5\n"e": .nan\n"f": 1970-01-01T00:00:00.000+00:00\n"g": 1180591620717411303424\n',
    );
    expect(read(write({ bytes: Buffer.from([0, 255]) }))).toEqual({ bytes: Buffer.from([0, 255]) });
  });

  it('quotes all text, so that none is taken for something else', () => {
    const texts = [
      'yes',
      'null',
      '~',
      '1_000',
      '1:30',
      '017',
      '2020-01-02',
      '=',
      '<<',
      '',
      ' x ',
      '# no',
      'a: b',
      'é\u0007\ufeff\u2028',
      'a\nb',
    ];
    expect(read(write({ texts }))).toEqual({ texts });
    expect(write({ yes: 'no' })).toBe('"yes": "no"\n');
  });

  it('writes objects with toJSON and maps as json does, and leaves undefined out', () => {
    expect(read(write({ m: new Map([['a', 1]]), j: { toJSON: () => [1n] }, u: undefined, l: [undefined] }))).toEqual({
      m: { a: 1 },
      j: [1],
      l: [null],
    });
  });

  it.each([
    ['a Python tag', '!!python/object/apply:os.system ["x"]'],
    ['a Python tag inside', 'a: [1, !!python/name:os.system ""]'],
    ['a tag of its own', '!secret x'],
    ['a broken flow', '{a: [1, 2}'],
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['an unknown anchor', 'a: *b'],
    ['a tab indent', 'a:\n\t- 1'],
    ['too many aliases', `a: &a [x]\nb: [${'*a,'.repeat(200)}]`],
    [
      'a billion laughs',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]},`.repeat(9)}]`)
        .join('\n')}`,
    ],
    ['depth', '['.repeat(20_000)],
    ['closed depth', '['.repeat(600) + ']'.repeat(600)],
  ])('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow(DecodeError);
  });

  it('takes the last of repeated keys, as PyYAML does', () => {
    expect(read('a: 1\na: 2')).toEqual({ a: 2 });
  });

  it('refuses bodies above its limit before parsing them', () => {
    const body = Buffer.from(`a: ${'x'.repeat(1024 * 1024)}`);
    expect(() => serializer.decode(body, 'utf-8')).toThrow(/more than 1048576 bytes/);
    expect(yamlSerializer({ maxBytes: 2 * 1024 * 1024 }).decode(body, 'utf-8')).toEqual({ a: 'x'.repeat(1024 * 1024) });
  });

  it('keeps __proto__ an ordinary key', () => {
    const value = read('__proto__: {x: 1}') as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('refuses what cannot be written, and invalid UTF-8', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [undefined, circle, new Set([1]), () => 1, new Date(Number.NaN)]) {
      expect(() => write(value)).toThrow(EncodeError);
    }
    expect(() => serializer.decode(Buffer.from([0x61, 0xff]), 'utf-8')).toThrow(DecodeError);
  });
});
