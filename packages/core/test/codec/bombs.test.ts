import { once } from 'node:events';
import zlib from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { createCodecSet } from '../../src/codec/codec-set.js';
import { LzmaEncoder, PROPERTIES_BYTE } from '../../src/codec/lzma/encoder.js';
import { RangeEncoder } from '../../src/codec/lzma/range-encoder.js';
import { inflate } from '../../src/codec/payload.js';
import { DecodeError } from '../../src/errors/index.js';

const GIB = 1024 ** 3;
const PART = 16 * 1024 * 1024;
const MAX_GROWTH = 150 * 1024 * 1024;
const codec = createCodecSet();

/** A gibibyte of zeros, as 64 streams of 16 MiB each. */
async function streams(name: string): Promise<Buffer> {
  const { body } = await codec.compressions.compress(Buffer.alloc(PART), name);
  return Buffer.concat(Array(GIB / PART).fill(body));
}

/** One zlib stream: its header, the same self-contained blocks over and over, and an end. */
async function zlibBomb(): Promise<Buffer> {
  const part = zlib.deflateRawSync(Buffer.alloc(PART), { finishFlush: zlib.constants.Z_FULL_FLUSH });
  return Buffer.concat([
    Buffer.from('789c', 'hex'),
    ...Array(GIB / PART).fill(part),
    Buffer.from('030000000001', 'hex'),
  ]);
}

async function brotliBomb(): Promise<Buffer> {
  const stream = zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } });
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  const zeros = Buffer.alloc(PART);
  for (let i = 0; i < GIB / PART; i++) if (!stream.write(zeros)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'end');
  return Buffer.concat(parts);
}

/** One frame of 8192 blocks that each repeat one byte; its header does not say how large it is. */
async function zstdBomb(): Promise<Buffer> {
  const blockBytes = 128 * 1024;
  const block = Buffer.alloc(4);
  block.writeUIntLE((blockBytes << 3) | 2, 0, 3);
  const last = Buffer.from(block);
  last[0] = (last[0] as number) | 1;
  const blocks = Array<Buffer>(GIB / blockBytes - 1).fill(block);
  return Buffer.concat([Buffer.from('28b52ffd0058', 'hex'), ...blocks, last]);
}

/** A legacy .lzma stream of unknown size; 80 MiB, since nothing after the limit is read. */
async function lzmaBomb(): Promise<Buffer> {
  const zeros = Buffer.alloc(80 * 1024 * 1024);
  const encoder = new LzmaEncoder(zeros, 4096);
  const output = Buffer.alloc(1024 * 1024);
  const range = new RangeEncoder(output);
  while (encoder.at < zeros.length) encoder.step(range, zeros.length);
  const header = Buffer.from([PROPERTIES_BYTE, 0, 16, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
  return Buffer.concat([header, output.subarray(0, range.finish())]);
}

const BOMBS: readonly [string, string, () => Promise<Buffer>][] = [
  ['zlib', 'application/x-gzip', zlibBomb],
  ['bzip2', 'application/x-bz2', () => streams('bzip2')],
  ['brotli', 'application/x-brotli', brotliBomb],
  ['xz', 'application/x-lzma', () => streams('lzma')],
  ['.lzma', 'application/x-lzma', lzmaBomb],
  ['zstd in many frames', 'application/zstd', () => streams('zstd')],
  ['zstd in one frame', 'application/zstd', zstdBomb],
];

describe('a decompression bomb', () => {
  it.each(BOMBS)(
    'of %s stops at the limit and grows memory by less than 150 MB',
    async (_, type, make) => {
      const bomb = await make();
      expect(bomb.length).toBeLessThan(2 * 1024 * 1024);
      const before = process.memoryUsage().rss;
      let peak = before;
      const timer = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage().rss);
      }, 1);
      try {
        const error = await Promise.resolve()
          .then(() => inflate(bomb, type, codec))
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(DecodeError);
        expect((error as Error).message).toMatch(/grows beyond maxDecompressedBytes \(67108864\)/);
      } finally {
        clearInterval(timer);
      }
      peak = Math.max(peak, process.memoryUsage().rss);
      expect(peak - before).toBeLessThan(MAX_GROWTH);
    },
    60_000,
  );
});
