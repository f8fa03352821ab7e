import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { transform } from '../../src/codec/bzip2/burrows-wheeler.js';
import { suffixArray } from '../../src/codec/bzip2/suffix-array.js';
import { createCompressionRegistry } from '../../src/codec/compression-registry.js';
import { jsonSerializer } from '../../src/codec/json/json.js';
import { parseTolerant } from '../../src/codec/json/tolerant.js';
import { msgpackSerializer } from '../../src/codec/msgpack/msgpack.js';
import { longBytes, readLong } from '../../src/codec/pickle/long.js';
import { pickleSerializer } from '../../src/codec/pickle/pickle.js';
import type { Serializer } from '../../src/codec/serializer.js';
import { yamlSerializer } from '../../src/codec/yaml/yaml.js';

const text = fc.string({ unit: 'binary' });
/** A number that is a larger integer comes back as a bigint from the text formats. */
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double().map((n) => (Object.is(n, -0) || (Number.isInteger(n) && !Number.isSafeInteger(n)) ? 0.5 : n)),
);

/** Beyond what a number holds exactly, within what msgpack holds. */
const large = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
);
const bytes = fc.uint8Array().map((array) => Buffer.from(array));
const date = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });

/** Values of these leaves, in arrays and in objects with any keys, `__proto__` among them. */
function nested(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const key = fc.oneof({ weight: 20, arbitrary: text }, { weight: 1, arbitrary: fc.constant('__proto__') });
  return fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, leaf, tie('list'), tie('record')),
    list: fc.array(tie('value'), { maxLength: 6 }),
    record: fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
  })).value;
}

function restores(serializer: Serializer, value: unknown): boolean {
  const encoded = serializer.encode(value);
  return isDeepStrictEqual(serializer.decode(Buffer.from(encoded as string), 'utf-8'), value);
}

const plain = fc.oneof(fc.constant(null), fc.boolean(), text, number, large);

describe('every serializer restores every value', () => {
  it('json', () => {
    fc.assert(
      fc.property(nested(plain), (value) => restores(jsonSerializer(), value)),
      { numRuns: 500 },
    );
  });

  it('json, tagged, with dates and bytes', () => {
    const serializer = jsonSerializer({ tagged: true });
    fc.assert(
      fc.property(nested(fc.oneof(plain, date, bytes)), (value) => restores(serializer, value)),
      { numRuns: 500 },
    );
  });

  it('msgpack, with bytes', () => {
    fc.assert(
      fc.property(nested(fc.oneof(plain, bytes)), (value) => restores(msgpackSerializer(), value)),
      { numRuns: 500 },
    );
  });

  it.each([2, 3, 4, 5] as const)('pickle protocol %d, with bytes', (protocol) => {
    const leaf = fc.oneof(
      plain,
      bytes,
      fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).filter((n) => n > 2n ** 53n || n < -(2n ** 53n)),
    );
    fc.assert(
      fc.property(nested(leaf), (value) => restores(pickleSerializer({ protocol }), value)),
      { numRuns: 300 },
    );
  });

  it('yaml, with dates and bytes', () => {
    const leaf = fc.oneof(plain, date, bytes);
    fc.assert(
      fc.property(nested(leaf), (value) => restores(yamlSerializer(), value)),
      { numRuns: 300 },
    );
  });
});

describe('every compression restores every body', () => {
  const registry = createCompressionRegistry();
  /** Pieces that repeat, run, or are random: what compressors have different ways for. */
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
    fc.tuple(fc.nat(255), fc.nat(2000)).map(([byte, length]) => Buffer.alloc(length, byte)),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(3000))
      .map(([unit, length]) => Buffer.alloc(length, unit)),
  );
  const body = fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.concat([...pieces, ...pieces.slice(0, 3)]));

  it.each(['zlib', 'bzip2', 'brotli', 'lzma', 'zstd'])('%s', async (name) => {
    await fc.assert(
      fc.asyncProperty(body, async (bytes) => {
        const compressed = await registry.compress(bytes, name);
        return (await registry.decompress(compressed.body, name, bytes.length + 1)).equals(bytes);
      }),
      { numRuns: 150 },
    );
  });
});

describe('the parts', () => {
  const finish = <T>(steps: Generator<void, T>): T => {
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return step.value;
  };
  const symbols = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(fc.nat(2), { maxLength: 200 }).map((array) => Uint8Array.from(array)),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 20 }))
      .map(([unit, times]) => Uint8Array.from(Array.from({ length: times }, () => [...unit]).flat())),
  );

  it('the suffix array is that of comparing all suffixes', () => {
    fc.assert(
      fc.property(symbols, (array) => {
        const naive = Array.from(array, (_, i) => i).sort((a, b) =>
          Buffer.compare(array.subarray(a), array.subarray(b)),
        );
        return isDeepStrictEqual(Array.from(finish(suffixArray(array, 255))), naive);
      }),
      { numRuns: 500 },
    );
  });

  it('the Burrows-Wheeler transform is that of sorting all rotations', () => {
    fc.assert(
      fc.property(
        symbols.filter((array) => array.length > 0),
        (array) => {
          const rotation = (i: number): Buffer => Buffer.concat([array.subarray(i), array.subarray(0, i)]);
          const rows = Array.from(array, (_, i) => rotation(i)).sort(Buffer.compare);
          const { column, row } = finish(transform(array));
          expect(rows[row]?.equals(array)).toBe(true);
          expect(Buffer.from(column).equals(Buffer.from(rows.map((bytes) => bytes.at(-1) as number)))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('the tolerant parser reads what JSON.parse reads, to the same value', () => {
    const safe = fc.oneof(text, number, fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(nested(safe), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const json = JSON.stringify(value, undefined, indent);
        return isDeepStrictEqual(parseTolerant(json), JSON.parse(json));
      }),
      { numRuns: 500 },
    );
  });

  it('long integers of pickles are restored', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 500n), max: 2n ** 500n }),
        (value) => BigInt(readLong(longBytes(value))) === value,
      ),
      { numRuns: 500 },
    );
    for (const value of [0n, 127n, 128n, -128n, -129n, 255n, 256n, 32767n, 32768n, -32768n, -32769n]) {
      expect(BigInt(readLong(longBytes(value)))).toBe(value);
    }
  });
});
