import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createCodecSet } from '../../src/codec/codec-set.js';
import { jsonSerializer } from '../../src/codec/json/json.js';
import { deserialize, encodeBody, inflate } from '../../src/codec/payload.js';
import { pickleSerializer } from '../../src/codec/pickle/pickle.js';
import { createSerializerRegistry } from '../../src/codec/serializer-registry.js';
import { pythonCodec } from './python.js';
import { seedOfRun } from './random.js';
import { Decimal, Uuid } from './rich-values.js';

const seed = seedOfRun('bodies for Python');
const SERIALIZERS = {
  json: ['application/json', 'utf-8'],
  yaml: ['application/x-yaml', 'utf-8'],
  msgpack: ['application/x-msgpack', 'binary'],
  pickle: ['application/x-python-serialize', 'binary'],
} as const;
type Name = keyof typeof SERIALIZERS;

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom(
    'yes',
    'n',
    'Y',
    'null',
    '~',
    '1e5',
    '08',
    '1_000',
    '1:30',
    '0x1F',
    '=',
    '<<',
    '2020-01-02',
    '\u0085\u2028\ufeff\u007f',
    '- a',
    'a: b',
    ' ',
  ),
);
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc
    .double({ noNaN: true })
    .map((n) => (Object.is(n, -0) || (Number.isInteger(n) && !Number.isSafeInteger(n)) ? 0.5 : n)),
);
const large = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
);
const bytes = fc.uint8Array().map((array) => Buffer.from(array));
const date = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });
const plain = [fc.constant(null), fc.boolean(), text, number, large];
const LEAVES: Record<Name, fc.Arbitrary<unknown>[]> = {
  json: plain,
  yaml: [...plain, date, bytes],
  msgpack: [...plain, bytes],
  pickle: [
    ...plain,
    bytes,
    fc.bigInt({ min: 2n ** 64n, max: 2n ** 300n }),
    fc.bigInt({ min: -(2n ** 300n), max: -(2n ** 64n) }),
  ],
};

function values(name: Name, count: number): unknown[] {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, ...LEAVES[name], tie('list'), tie('record')),
    list: fc.array(tie('value'), { maxLength: 6 }),
    record: fc.dictionary(text, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  }));
  return fc.sample(value, { numRuns: count, seed });
}

/** What both sides have to agree on: Python's expression and our value. */
const BOTH: readonly (readonly [expression: string, value: unknown, names?: readonly Name[]])[] = [
  [
    "{'a': 1, 'b': [1, 2.5, 'x', None, True, {'c': [], 'd': {}}], '\\u2603': '\\U0001f600'}",
    { a: 1, b: [1, 2.5, 'x', null, true, { c: [], d: {} }], '☃': '\u{1f600}' },
  ],
  [
    '[2**53 + 1, -2**63, 2**31, -2**31 - 1, 255, 256, 65536, -129]',
    [2n ** 53n + 1n, -(2n ** 63n), 2 ** 31, -(2 ** 31) - 1, 255, 256, 65536, -129],
  ],
  ['[2**70, -2**200]', [2n ** 70n, -(2n ** 200n)], ['json', 'yaml', 'pickle']],
  [
    "[0.1, 1e300, 1e-07, float('inf'), float('-inf')]",
    [0.1, 1e300, 1e-7, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ],
  [
    "[b'', b'\\x00\\xff', b'text']",
    [Buffer.alloc(0), Buffer.from([0, 255]), Buffer.from('text')],
    ['yaml', 'msgpack', 'pickle'],
  ],
  ["'x' * 70000", 'x'.repeat(70_000)],
  [
    'datetime(2016, 11, 4, 1, 2, 3, 456000, tzinfo=timezone.utc)',
    new Date(Date.UTC(2016, 10, 4, 1, 2, 3, 456)),
    ['yaml'],
  ],
];

for (const version of ['5.2', 'latest'] as const) {
  const python = await pythonCodec(version);
  describe(`with Python Kombu ${version}`, () => {
    if ('unavailable' in python) {
      it.skip(`skipped: ${python.unavailable}`, () => {});
      return;
    }
    const registry = createSerializerRegistry();
    const write = (name: Name, value: unknown): string => registry.dumps(value, name).body.toString('base64');
    const read = (name: Name, body: unknown): unknown =>
      registry.get(name).decode(Buffer.from(body as string, 'base64'), 'utf-8');

    it.each(Object.keys(SERIALIZERS) as Name[])('%s: each reads what the other writes', (name) => {
      const cases = BOTH.filter(([, , names]) => names === undefined || names.includes(name));
      const [type, encoding] = SERIALIZERS[name];
      const theirs = python.run(cases.map(([expression]) => ({ op: 'write', serializer: name, expression })));
      for (const [i, [, value]] of cases.entries()) expect(read(name, theirs[i])).toEqual(value);
      const ours = cases.map(([expression, value]) => ({
        op: 'equals' as const,
        body: write(name, value),
        type,
        encoding,
        expression,
      }));
      expect(python.run(ours)).toEqual(cases.map(() => true));
    });

    it.each(Object.keys(SERIALIZERS) as Name[])('%s: random values come back through Python', (name) => {
      const [type, encoding] = SERIALIZERS[name];
      const cases = values(name, 300);
      const jobs = cases.map((value) => ({
        op: 'again' as const,
        serializer: name,
        body: write(name, value),
        type,
        encoding,
      }));
      for (const [i, body] of python.run(jobs).entries()) {
        const value = read(name, body);
        if (!isDeepStrictEqual(value, cases[i])) expect(value).toEqual(cases[i]);
      }
    });

    it.each([2, 3, 4, 5] as const)('pickle protocol %d: both ways', (protocol) => {
      const [type, encoding] = SERIALIZERS.pickle;
      const serializer = pickleSerializer({ protocol });
      const cases = values('pickle', 200);
      const jobs = cases.map((value) => ({
        op: 'again' as const,
        serializer: `pickle-${protocol}`,
        body: Buffer.from(serializer.encode(value) as Buffer).toString('base64'),
        type,
        encoding,
      }));
      for (const [i, body] of python.run(jobs).entries()) {
        const value = read('pickle', body);
        if (!isDeepStrictEqual(value, cases[i])) expect(value).toEqual(cases[i]);
      }
    });

    it('pickle: reads tuples, shared values, sets and bytearrays of the protocols that have them, and refuses the rest', () => {
      const good: readonly [expression: string, protocols: readonly number[], value: unknown][] = [
        ['[(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]', [2, 3, 4, 5], [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]],
        ["{1: 'a', None: 2}", [2, 3, 4, 5], { 1: 'a', null: 2 }],
        [
          "(lambda b: [b, b, b'c'])(b'\\xe9' * 300)",
          [2, 3, 4, 5],
          [Buffer.alloc(300, 0xe9), Buffer.alloc(300, 0xe9), Buffer.from('c')],
        ],
        ['list(range(3000))', [2, 3, 4, 5], Array.from({ length: 3000 }, (_, i) => i)],
        ['[{1}, frozenset([2])]', [4, 5], [new Set([1]), new Set([2])]],
        ["bytearray(b'ab')", [5], Buffer.from('ab')],
      ];
      const bad: readonly [expression: string, protocols: readonly number[]][] = [
        ...['datetime.now()', 'Decimal(1)', 'UUID(int=1)', 'len', 'Exception("x")', 'object()', 'complex(1, 2)'].map(
          (expression) => [expression, [2, 3, 4, 5]] as [string, number[]],
        ),
        ['{1}', [2, 3]],
        ["bytearray(b'ab')", [2, 3, 4]],
      ];
      const job = (expression: string, protocol: number) => ({
        op: 'write' as const,
        serializer: `pickle-${protocol}`,
        expression,
      });
      const wanted = good.flatMap(([expression, protocols, value]) =>
        protocols.map((n) => ({ job: job(expression, n), value })),
      );
      for (const [i, body] of python.run(wanted.map((one) => one.job)).entries())
        expect(read('pickle', body)).toEqual(wanted[i]?.value);
      const refused = bad.flatMap(([expression, protocols]) => protocols.map((n) => job(expression, n)));
      for (const body of python.run(refused)) expect(() => read('pickle', body)).toThrow(/only plain data is read/);
    });

    it('json: NaN comes and goes as a literal', () => {
      const [body] = python.run([{ op: 'write', serializer: 'json', expression: "{'x': float('nan'), 1: True}" }]);
      expect(read('json', body)).toEqual({ x: Number.NaN, 1: true });
      const job = {
        op: 'again',
        serializer: 'json',
        body: write('json', [Number.NaN]),
        type: 'application/json',
        encoding: 'utf-8',
      } as const;
      expect(read('json', python.run([job])[0])).toEqual([Number.NaN]);
    });

    const codec = createCodecSet();
    const types = codec.compressions.encoders();
    for (const type of types.filter((name) => !python.compressions.includes(name))) {
      describe(type, () => it.skip('skipped: this Python has no module for it', () => {}));
    }
    it.each(types.filter((name) => python.compressions.includes(name)))(
      '%s: each reads what the other writes',
      async (type) => {
        const unit = fc.uint8Array({ minLength: 1, maxLength: 40 });
        const body = fc
          .tuple(unit, fc.nat(60_000), unit)
          .map(([a, length, b]) => Buffer.concat([b, Buffer.alloc(length, a), b, a]));
        const bodies = [...fc.sample(body, { numRuns: 40, seed }), ...(type.includes('zstd') ? [] : [Buffer.alloc(0)])];
        const jobs = [];
        for (const bytes of bodies) {
          const encoded = await encodeBody(bytes, { compression: type }, codec);
          expect(encoded.compression).toBe(type);
          jobs.push({ op: 'recompress' as const, type, body: encoded.body.toString('base64') });
        }
        for (const [i, theirs] of python.run(jobs).entries()) {
          expect(
            (await inflate(Buffer.from(theirs as string, 'base64'), type, codec)).equals(bodies[i] as Buffer),
          ).toBe(true);
        }
      },
    );
  });
}

const latest = await pythonCodec('latest');
describe('the tagged json of Kombu 5.3 and later', () => {
  if ('unavailable' in latest) {
    it.skip(`skipped: ${latest.unavailable}`, () => {});
    return;
  }
  const tagged = jsonSerializer({ tagged: true });
  const codec = createCodecSet();
  const cases: readonly (readonly [expression: string, value: unknown, written: unknown])[] = [
    [
      'datetime(2016, 11, 4, 1, 2, 3, 456000, tzinfo=timezone.utc)',
      new Date(Date.UTC(2016, 10, 4, 1, 2, 3, 456)),
      new Date(Date.UTC(2016, 10, 4, 1, 2, 3, 456)),
    ],
    ["b'text'", Buffer.from('text'), Buffer.from('text')],
    ["b'\\x00\\xff'", Buffer.from([0, 255]), Uint8Array.of(0, 255)],
    ["Decimal('1.10')", '1.10', new Decimal('1.10')],
    [
      "UUID('12345678-1234-5678-1234-567812345678')",
      '12345678-1234-5678-1234-567812345678',
      new Uuid('12345678-1234-5678-1234-567812345678'),
    ],
    ["{'deep': [Decimal('1.10')]}", { deep: ['1.10'] }, { deep: [new Decimal('1.10')] }],
  ];

  it.each(cases)('%s: both ways', (expression, value, written) => {
    const [theirs] = latest.run([{ op: 'write', serializer: 'json', expression }]);
    expect(deserialize(Buffer.from(theirs as string, 'base64'), 'application/json', 'utf-8', codec)).toEqual(value);
    const body = Buffer.from(tagged.encode(written) as Buffer).toString('base64');
    expect(latest.run([{ op: 'equals', body, type: 'application/json', encoding: 'utf-8', expression }])).toEqual([
      true,
    ]);
  });

  it('dates and times without an offset, or without a day, are read too', () => {
    const expression =
      '[date(2020, 1, 2), time(1, 2, 3), datetime(2020, 1, 2, 3, 4, 5, 123456), datetime(2020, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))]';
    const [theirs] = latest.run([{ op: 'write', serializer: 'json', expression }]);
    expect(deserialize(Buffer.from(theirs as string, 'base64'), 'application/json', 'utf-8', codec)).toEqual([
      '2020-01-02',
      '01:02:03',
      new Date(Date.UTC(2020, 0, 2, 3, 4, 5, 123)),
      new Date(Date.UTC(2020, 0, 2, 1)),
    ]);
  });
});
