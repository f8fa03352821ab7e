import { DecodeError, EncodeError, InvalidOptionError, KombuError, SerializerNotInstalled } from '../errors/index.js';
import type { MaybePromise } from '../transport/index.js';
import { nearest } from '../util/nearest.js';
import { asBuffer } from './bytes.js';
import { bzip2Compression } from './bzip2/bzip2.js';
import type { Compression } from './compression.js';
import { lzmaCompression } from './lzma/lzma.js';
import { brotliCompression, zlibCompression } from './node-zlib.js';
import { checkMaxBytes, tooLarge } from './output-buffer.js';
import { zstdCompression } from './zstd/zstd.js';

/** A compressed body, and what `headers.compression` says about it. */
export interface CompressedBody {
  readonly body: Buffer;
  readonly contentType: string;
}

/**
 * The compressions that are known, by content type and alias. Registries are independent of each other; the one that Connections
 * use unless told otherwise is `compressions`.
 */
export class CompressionRegistry {
  readonly #byName = new Map<string, Compression>();
  readonly #byType = new Map<string, Compression>();

  /** Adds a compression under its content type, a name and its aliases, or replaces what they stood for. */
  register(name: string, compression: Compression): void {
    if (typeof compression.compress !== 'function' || typeof compression.decompress !== 'function') {
      throw new InvalidOptionError(`Compression ${JSON.stringify(name)}: compress and decompress must be functions`);
    }
    if (typeof compression.contentType !== 'string' || compression.contentType === '') {
      throw new InvalidOptionError(`Compression ${JSON.stringify(name)}: contentType must be text`);
    }
    this.#byType.set(compression.contentType, compression);
    for (const alias of [name, ...(compression.aliases ?? []), compression.contentType])
      this.#byName.set(alias, compression);
  }

  /** The compression of a content type or alias. Throws SerializerNotInstalled, which names the one most like it. */
  get(nameOrType: string): Compression {
    const compression = this.#byName.get(nameOrType);
    if (compression !== undefined) return compression;
    if (typeof nameOrType !== 'string') throw new InvalidOptionError('the name of a compression must be text');
    const hint = nearest(nameOrType, this.#byName.keys());
    throw new SerializerNotInstalled(
      `There is no compression ${JSON.stringify(nameOrType)}${hint === undefined ? '' : `; did you mean ${JSON.stringify(hint)}?`}`,
    );
  }

  /** Whether a name, alias or content type is known. */
  has(nameOrType: string): boolean {
    return this.#byName.has(nameOrType);
  }

  /** The content types that can be compressed to. */
  encoders(): string[] {
    return [...this.#byType.keys()];
  }

  /** Loads what these compressions need. */
  async prepare(namesOrTypes: readonly string[]): Promise<void> {
    for (const name of namesOrTypes) await this.get(name).prepare?.();
  }

  /** Compresses a body; here and now when that is quick, else a promise. */
  compress(body: Uint8Array, nameOrType: string): MaybePromise<CompressedBody> {
    const compression = this.get(nameOrType);
    const wrap = (bytes: Uint8Array): CompressedBody => ({
      body: asBuffer(bytes),
      contentType: compression.contentType,
    });
    const fail = (error: unknown): unknown =>
      KombuError.is(error)
        ? error
        : new EncodeError(`The body cannot be compressed as ${nameOrType}`, { cause: error });
    return settle(() => compression.compress(asBuffer(body)), wrap, fail);
  }

  /** Decompresses a body to `maxBytes` at most; here and now when that is quick, else a promise. Fails with DecodeError. */
  decompress(body: Uint8Array, nameOrType: string, maxBytes: number): MaybePromise<Buffer> {
    checkMaxBytes(maxBytes);
    const compression = this.get(nameOrType);
    const check = (bytes: Uint8Array): Buffer => {
      if (bytes.length > maxBytes) throw tooLarge(maxBytes);
      return asBuffer(bytes);
    };
    const fail = (error: unknown): unknown =>
      KombuError.is(error) ? error : new DecodeError(`The body is not valid ${nameOrType}`, { cause: error });
    return settle(() => compression.decompress(asBuffer(body), maxBytes), check, fail);
  }
}

/** Runs `start`, then `then` on its value, sooner or later; any error goes through `fail`. */
function settle<T, R>(
  start: () => MaybePromise<T>,
  then: (value: T) => R,
  fail: (error: unknown) => unknown,
): MaybePromise<R> {
  let started: MaybePromise<T>;
  try {
    started = start();
    if (!(started instanceof Promise)) return then(started);
  } catch (error) {
    throw fail(error);
  }
  return started.then(then).catch((error: unknown) => {
    throw fail(error);
  });
}

/** A registry with zlib (what Kombu calls gzip), bzip2, brotli, lzma (xz) and zstd. */
export function createCompressionRegistry(): CompressionRegistry {
  const registry = new CompressionRegistry();
  registry.register('zlib', zlibCompression());
  registry.register('bzip2', bzip2Compression());
  registry.register('brotli', brotliCompression());
  registry.register('lzma', lzmaCompression());
  registry.register('zstd', zstdCompression());
  return registry;
}
