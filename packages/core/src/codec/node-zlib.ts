import zlib from 'node:zlib';
import { DecodeError, EncodeError } from '../errors/index.js';
import type { MaybePromise } from '../transport/index.js';
import type { Compression } from './compression.js';
import { tooLarge } from './output-buffer.js';

/** Up to this size a body is compressed here and now; larger ones in the thread pool. */
const SYNC_COMPRESS_BYTES = 16 * 1024;
/** Up to this size a body is decompressed here and now, as long as the output stays below the next bound. */
const SYNC_INFLATE_BYTES = 32 * 1024;
const SYNC_OUTPUT_BYTES = 512 * 1024;

type Done = (error: Error | null, result: Buffer) => void;

/** One algorithm of node:zlib: how its functions are called. */
interface NodeCodec {
  readonly what: string;
  compress(body: Buffer, done: Done): void;
  compressSync(body: Buffer): Buffer;
  decompress(body: Buffer, maxOutputLength: number, done: Done): void;
  decompressSync(body: Buffer, maxOutputLength: number): Buffer;
}

/** A compression by one of the algorithms of node:zlib: small bodies synchronously, the rest in the thread pool. */
function nodeCompression(contentType: string, aliases: readonly string[], codec: NodeCodec): Compression {
  return {
    contentType,
    aliases,
    compress(body) {
      if (body.length <= SYNC_COMPRESS_BYTES) return codec.compressSync(body);
      return new Promise((resolve, reject) => {
        codec.compress(body, (error, result) => {
          if (error === null) resolve(result);
          else reject(new EncodeError(`The body cannot be compressed with ${codec.what}`, { cause: error }));
        });
      });
    },
    decompress(body, maxBytes) {
      return decompress(codec, body, maxBytes);
    },
  };
}

function decompress(codec: NodeCodec, body: Buffer, maxBytes: number): MaybePromise<Buffer> {
  if (body.length <= SYNC_INFLATE_BYTES) {
    const bound = Math.min(maxBytes, SYNC_OUTPUT_BYTES);
    try {
      return codec.decompressSync(body, bound);
    } catch (error) {
      if (!isTooLarge(error) || bound === maxBytes) throw failure(codec, error, maxBytes);
    }
  }
  return new Promise((resolve, reject) => {
    codec.decompress(body, maxBytes, (error, result) => {
      if (error === null) resolve(result);
      else reject(failure(codec, error, maxBytes));
    });
  });
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
}

function failure(codec: NodeCodec, error: unknown, maxBytes: number): DecodeError {
  if (isTooLarge(error)) return tooLarge(maxBytes);
  return new DecodeError(`The body is not valid ${codec.what}`, { cause: error });
}

/** What Kombu calls gzip is a zlib stream (RFC 1950, `78 9c ...`), not a gzip file. */
export function zlibCompression(): Compression {
  return nodeCompression('application/x-gzip', ['gzip', 'zlib'], {
    what: 'zlib',
    compress: (body, done) => zlib.deflate(body, done),
    compressSync: (body) => zlib.deflateSync(body),
    decompress: (body, maxOutputLength, done) => zlib.inflate(body, { maxOutputLength }, done),
    decompressSync: (body, maxOutputLength) => zlib.inflateSync(body, { maxOutputLength }),
  });
}

/** Quality 5 is many times quicker than brotli's own default of 11, at a few per cent more bytes. */
const BROTLI_QUALITY = 5;

/** A raw brotli stream (RFC 7932). */
export function brotliCompression(): Compression {
  const options = (body: Buffer) => ({
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    },
  });
  return nodeCompression('application/x-brotli', ['brotli'], {
    what: 'brotli',
    compress: (body, done) => zlib.brotliCompress(body, options(body), done),
    compressSync: (body) => zlib.brotliCompressSync(body, options(body)),
    decompress: (body, maxOutputLength, done) => zlib.brotliDecompress(body, { maxOutputLength }, done),
    decompressSync: (body, maxOutputLength) => zlib.brotliDecompressSync(body, { maxOutputLength }),
  });
}
