import { describe, expect, it } from '@jest/globals';
import { createCompressionRegistry } from '../../src/codec/compression-registry.js';
import { DecodeError } from '../../src/errors/index.js';
import { fuzz, randomNumbers, seedOfRun } from './random.js';

const CASES = 20_000;
const LIMIT = 256 * 1024;
const MAX_CASE_MS = 2000;
const seed = seedOfRun('fuzzed compressed bodies');
const registry = createCompressionRegistry();

const SAMPLES = [
  Buffer.from('hello hello hello, said the echo'),
  Buffer.alloc(3000, 'abcdefghij'),
  Buffer.from(Array.from({ length: 700 }, (_, i) => (i * i * 31 + i) % 251)),
  Buffer.from(JSON.stringify(Array.from({ length: 40 }, (_, i) => ({ id: i, name: `name ${i * 7919}` })))),
];

/** Streams by other encoders than ours, with other features. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  lzma: ['5d00008000ffffffffffffffff00341949ee8e6821ffffffb9e00000'],
  zstd: ['28b52ffd200529000068656c6c6f'],
};

describe.each(['zlib', 'bzip2', 'brotli', 'lzma', 'zstd'])('%s', (name) => {
  it(`ends in bytes or a DecodeError for ${CASES} malformed bodies, within the limit`, async () => {
    const valid: Buffer[] = (FOREIGN[name] ?? []).map((hex) => Buffer.from(hex, 'hex'));
    for (const sample of SAMPLES) valid.push((await registry.compress(sample, name)).body);
    const before = process.memoryUsage().rss;
    const report = await fuzz(
      CASES,
      randomNumbers(seed),
      valid,
      async (body) => {
        const result = await registry.decompress(body, name, LIMIT);
        if (result.length > LIMIT) throw new Error(`${result.length} bytes came out`);
      },
      (error) => error instanceof DecodeError,
    );
    expect(report.decoded + report.refused).toBe(CASES);
    expect(report.refused).toBeGreaterThan(CASES / 4);
    expect(report.longestMs).toBeLessThan(MAX_CASE_MS);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
  }, 60_000);
});
