import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createCompressionRegistry } from '../../src/codec/compression-registry.js';
import { DecodeError, EncodeError, InvalidOptionError, SerializerNotInstalled } from '../../src/errors/index.js';

const registry = createCompressionRegistry();
const LIMIT = 64 * 1024 * 1024;
const NAMES = ['zlib', 'bzip2', 'brotli', 'lzma', 'zstd'] as const;

const SAMPLES: Record<string, Buffer> = {
  nothing: Buffer.alloc(0),
  'one byte': Buffer.from('a'),
  'a sentence': Buffer.from('hello hello hello, said the echo'),
  'a megabyte of zeros': Buffer.alloc(1_000_000),
  'a short period': Buffer.alloc(300_000, 'abcdefg'),
  'random bytes': randomBytes(200_000),
  'runs around the counts': Buffer.concat(
    [3, 4, 5, 254, 255, 256, 259, 260, 1000].map((n, i) => Buffer.alloc(n, i + 1)),
  ),
  'a mixture': Buffer.concat([
    Buffer.alloc(70_000, 'x'),
    randomBytes(150_000),
    Buffer.alloc(100_000, 'yz'),
    randomBytes(70_000),
  ]),
  'every byte value': Buffer.from(Array.from({ length: 2560 }, (_, i) => i % 256)),
};

describe.each(NAMES)('%s', (name) => {
  it.each(Object.entries(SAMPLES))('restores %s', async (_, body) => {
    const compressed = await registry.compress(body, name);
    expect(Buffer.compare(await registry.decompress(compressed.body, name, LIMIT), body)).toBe(0);
    expect(Buffer.compare(await registry.decompress(compressed.body, compressed.contentType, LIMIT), body)).toBe(0);
  });

  it('allows exactly the limit, and not a byte more', async () => {
    for (const size of [2, 1000, 600_000]) {
      const { body } = await registry.compress(Buffer.alloc(size, 'ab'), name);
      expect(await registry.decompress(body, name, size)).toHaveLength(size);
      await expect(async () => registry.decompress(body, name, size - 1)).rejects.toThrow(
        /grows beyond maxDecompressedBytes/,
      );
      await expect(async () => registry.decompress(body, name, size - 1)).rejects.toThrow(DecodeError);
    }
  });

  it('refuses what is cut off, damaged or something else', async () => {
    const { body } = await registry.compress(
      Buffer.from('some text that is long enough to be compressed, some text'),
      name,
    );
    const bad = [
      Buffer.from('garbage, and nothing else'),
      Buffer.alloc(0),
      Buffer.alloc(100, 0xee),
      body.subarray(0, -1),
      body.subarray(0, 5),
    ];
    for (const broken of bad)
      await expect(async () => registry.decompress(broken, name, LIMIT)).rejects.toThrow(DecodeError);
  });

  it('leaves the event loop to others again and again', async () => {
    const body = Buffer.concat([Buffer.alloc(1_500_000, 'some text, some more text; '), randomBytes(500_000)]);
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const started = performance.now();
    const compressed = await registry.compress(body, name);
    await registry.decompress(compressed.body, name, LIMIT);
    isDone = true;
    expect((performance.now() - started) / turns).toBeLessThan(60);
  });
});

describe('formats', () => {
  const known = (name: string, hex: string): Promise<string> =>
    Promise.resolve(registry.decompress(Buffer.from(hex, 'hex'), name, 1000)).then(String);

  it('writes what Kombu calls gzip as a zlib stream, byte for byte like Python', async () => {
    const { body, contentType } = await registry.compress(Buffer.from('hello'), 'gzip');
    expect(body.toString('hex')).toBe('789ccb48cdc9c90700062c0215');
    expect(contentType).toBe('application/x-gzip');
    expect(await known('application/x-gzip', '789cab56aa50b25250aa241228d50200f9dc153b')).toBe(
      `{"x": "${'y'.repeat(40)}"}`,
    );
  });

  it.each([
    ['bzip2', '425a68393141592653591931653d00000081000244a000219a68334d07338bb9229c28480c98b29e80'],
    [
      'xz',
      'fd377a585a000004e6d6b4460200210116000000742fe5a301000468656c6c6f00000000b137b9dbe5da1e9b00011d05b82d80af1fb6f37d010000000004595a',
    ],
    ['lzma', '5d00008000ffffffffffffffff00341949ee8e6821ffffffb9e00000'],
    ['zstd', '28b52ffd200529000068656c6c6f'],
    ['brotli', '0b028068656c6c6f03'],
    ['zlib', '789ccb48cdc9c90700062c0215'],
  ])('reads %s that Python wrote', async (name, hex) => {
    expect(await known(name, hex)).toBe('hello');
  });

  it('writes .xz for lzma, and a zstd frame that says how large its content is', async () => {
    expect((await registry.compress(Buffer.from('x'), 'lzma')).body.subarray(0, 6).toString('hex')).toBe(
      'fd377a585a00',
    );
    for (const size of [0, 1, 255, 256, 70_000]) {
      const { body } = await registry.compress(Buffer.alloc(size, 'ab'), 'zstd');
      expect(body.readUInt32LE(0)).toBe(0xfd2fb528);
      const descriptor = body[4] as number;
      expect(descriptor >> 6 !== 0 || (descriptor & 0x20) !== 0).toBe(true);
    }
  });

  it('knows every alias of Kombu', () => {
    const aliases = {
      'application/x-gzip': ['gzip', 'zlib'],
      'application/x-bz2': ['bzip2', 'bzip'],
      'application/x-brotli': ['brotli'],
      'application/x-lzma': ['lzma', 'xz'],
      'application/zstd': ['zstd', 'zstandard'],
    };
    expect(registry.encoders().sort()).toEqual(Object.keys(aliases).sort());
    for (const [type, names] of Object.entries(aliases)) {
      for (const name of [type, ...names]) expect(registry.get(name).contentType).toBe(type);
    }
  });

  it('takes several streams one after another', async () => {
    for (const name of ['bzip2', 'lzma', 'zstd'] as const) {
      const one = (await registry.compress(Buffer.from('one '), name)).body;
      const two = (await registry.compress(Buffer.from('two'), name)).body;
      expect((await registry.decompress(Buffer.concat([one, two]), name, 100)).toString()).toBe('one two');
    }
  });

  it('notices damage by the check value', async () => {
    for (const name of ['bzip2', 'lzma', 'zlib'] as const) {
      const { body } = await registry.compress(randomBytes(1000), name);
      const damaged = Buffer.from(body);
      damaged[500] = (damaged[500] as number) ^ 1;
      await expect(async () => registry.decompress(damaged, name, LIMIT)).rejects.toThrow(DecodeError);
    }
  });
});

describe('the compression registry', () => {
  it('refuses a limit that is none', () => {
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => registry.decompress(Buffer.alloc(1), 'zlib', limit)).toThrow(InvalidOptionError);
    }
  });

  it('names the nearest compression for an unknown one', () => {
    expect(() => registry.compress(Buffer.alloc(1), 'gzp')).toThrow(/did you mean "gzip"/);
    expect(() => registry.decompress(Buffer.alloc(1), 'nope', 1)).toThrow(SerializerNotInstalled);
  });

  it('takes compressions of the application, and wraps what they throw', async () => {
    const own = createCompressionRegistry();
    own.register('double', {
      contentType: 'application/x-double',
      aliases: ['twice'],
      compress: (body) => Buffer.concat([body, body]),
      decompress: async (body) => body.subarray(0, body.length / 2),
    });
    expect(await own.compress(Buffer.from('ab'), 'twice')).toEqual({
      body: Buffer.from('abab'),
      contentType: 'application/x-double',
    });
    expect(await own.decompress(Buffer.from('abab'), 'application/x-double', 2)).toEqual(Buffer.from('ab'));
    await expect(async () => own.decompress(Buffer.from('abab'), 'double', 1)).rejects.toThrow(DecodeError);
    const fail = () => {
      throw new TypeError('inner');
    };
    own.register('broken', { contentType: 'application/x-broken', compress: fail, decompress: async () => fail() });
    expect(() => own.compress(Buffer.alloc(1), 'broken')).toThrow(EncodeError);
    await expect(async () => own.decompress(Buffer.alloc(1), 'broken', 1)).rejects.toThrow(DecodeError);
    expect(() => own.register('x', { contentType: '', compress: fail, decompress: fail })).toThrow(InvalidOptionError);
    expect(() => own.register('x', { contentType: 'a/b', compress: fail } as never)).toThrow(InvalidOptionError);
  });
});
