import zlib from 'node:zlib';
import type { Compression } from '../compression.js';
import { type NodeCodec, nodeCompression } from '../node-zlib.js';
import { type OptionalPackage, optionalPackage } from '../optional-package.js';
import { runSteps } from '../steps.js';
import { withContentSize } from './content-size.js';
import { readZstd } from './reader.js';

const CONTENT_TYPE = 'application/zstd';
const ALIASES = ['zstd', 'zstandard'];

type Done = (error: Error | null, result: Buffer) => void;

/** The part of node:zlib that has zstd, from Node.js 22.15 on. */
interface ZstdZlib {
  zstdCompress(body: Buffer, options: object, done: Done): void;
  zstdCompressSync(body: Buffer, options: object): Buffer;
  zstdDecompress(body: Buffer, options: object, done: Done): void;
  zstdDecompressSync(body: Buffer, options: object): Buffer;
}

interface ZstdPackage {
  compress(body: Buffer): Promise<Buffer>;
}

/**
 * Zstandard, in one frame that says how large its content is. Node's own where it has one (22.15 and later); before that the
 * package `@mongodb-js/zstd` compresses, and the decoder in this folder decompresses.
 */
export function zstdCompression(): Compression {
  const own = zlib as unknown as Partial<ZstdZlib>;
  return own.zstdCompress === undefined ? packageZstd() : nodeZstd(own as ZstdZlib);
}

function nodeZstd(own: ZstdZlib): Compression {
  const codec: NodeCodec = {
    what: 'zstd',
    compress: (body, done) => own.zstdCompress(body, { pledgedSrcSize: body.length }, done),
    compressSync: (body) => own.zstdCompressSync(body, { pledgedSrcSize: body.length }),
    decompress: (body, maxOutputLength, done) => own.zstdDecompress(body, { maxOutputLength }, done),
    decompressSync: (body, maxOutputLength) => own.zstdDecompressSync(body, { maxOutputLength }),
  };
  return nodeCompression(CONTENT_TYPE, ALIASES, codec);
}

function packageZstd(): Compression {
  const library: OptionalPackage<ZstdPackage> = optionalPackage(
    '@mongodb-js/zstd',
    'Compressing with zstd on this version of Node.js',
    () => import('@mongodb-js/zstd'),
  );
  return {
    contentType: CONTENT_TYPE,
    aliases: ALIASES,
    compress: async (body) => withContentSize(await library.get().compress(body), body.length),
    decompress: (body, maxBytes) => runSteps(readZstd(body, maxBytes)),
    prepare: () => library.prepare(),
  };
}
