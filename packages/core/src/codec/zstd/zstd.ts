import zlib from 'node:zlib';
import type { Compression } from '../compression.js';
import { type OptionalPackage, optionalPackage } from '../optional-package.js';
import { runSteps } from '../steps.js';
import { withContentSize } from './content-size.js';
import { readZstd } from './reader.js';

const CONTENT_TYPE = 'application/zstd';
const ALIASES = ['zstd', 'zstandard'];

/** Up to this size a body is compressed here and now; larger ones in the thread pool. */
const SYNC_COMPRESS_BYTES = 64 * 1024;

/** The part of node:zlib that compresses with zstd, from Node.js 22.15 on. */
interface ZstdZlib {
  zstdCompress(body: Buffer, options: object, done: (error: Error | null, result: Buffer) => void): void;
  zstdCompressSync(body: Buffer, options: object): Buffer;
}

interface ZstdPackage {
  compress(body: Buffer): Promise<Buffer>;
}

/**
 * Zstandard, in one frame that says how large its content is. Compressed by Node's own zlib where that can (22.15 and later),
 * before that by the package `@mongodb-js/zstd`; decompressed by the decoder in this folder.
 */
export function zstdCompression(): Compression {
  const own = zlib as unknown as Partial<ZstdZlib>;
  const compressor = own.zstdCompress === undefined ? packageCompressor() : nodeCompressor(own as ZstdZlib);
  return {
    contentType: CONTENT_TYPE,
    aliases: ALIASES,
    ...compressor,
    decompress: (body, maxBytes) => runSteps(readZstd(body, maxBytes)),
  };
}

function nodeCompressor(own: ZstdZlib): Pick<Compression, 'compress'> {
  return {
    compress(body) {
      const options = { pledgedSrcSize: body.length };
      if (body.length <= SYNC_COMPRESS_BYTES) return own.zstdCompressSync(body, options);
      return new Promise((resolve, reject) => {
        own.zstdCompress(body, options, (error, result) => (error === null ? resolve(result) : reject(error)));
      });
    },
  };
}

function packageCompressor(): Pick<Compression, 'compress' | 'prepare'> {
  const library: OptionalPackage<ZstdPackage> = optionalPackage(
    '@mongodb-js/zstd',
    'Compressing with zstd on this version of Node.js',
    () => import('@mongodb-js/zstd'),
  );
  return {
    compress: async (body) => withContentSize(await library.get().compress(body), body.length),
    prepare: () => library.prepare(),
  };
}
