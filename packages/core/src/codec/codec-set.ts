import { type CompressionRegistry, createCompressionRegistry } from './compression-registry.js';
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from './limits.js';
import { checkMaxBytes } from './output-buffer.js';
import { createSerializerRegistry, type SerializerRegistry } from './serializer-registry.js';

/** What a {@link CodecSet} is made of; everything has a default. */
export interface CodecSetOptions {
  /** @defaultValue a new registry with the built-in serializers */
  readonly serializers?: SerializerRegistry | undefined;
  /** @defaultValue a new registry with the built-in compressions */
  readonly compressions?: CompressionRegistry | undefined;
  /** The most bytes a compressed body may grow to. @defaultValue 67108864 (64 MiB) */
  readonly maxDecompressedBytes?: number | undefined;
}

/** How one connection turns values into bodies and back. */
export interface CodecSet {
  readonly serializers: SerializerRegistry;
  readonly compressions: CompressionRegistry;
  readonly maxDecompressedBytes: number;
  /**
   * Loads what these serializers (names or MIME types) and compressions need, so that everything after is synchronous. Without
   * it they are loaded on first use. Rejects with SerializerNotInstalled for an unknown name or a missing package.
   */
  prepare(namesOrTypes: readonly string[]): Promise<void>;
}

/** @throws InvalidOptionError when `maxDecompressedBytes` is not a whole number of bytes */
export function createCodecSet(options: CodecSetOptions = {}): CodecSet {
  const serializers = options.serializers ?? createSerializerRegistry();
  const compressions = options.compressions ?? createCompressionRegistry();
  const maxDecompressedBytes = options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES;
  checkMaxBytes(maxDecompressedBytes);
  return {
    serializers,
    compressions,
    maxDecompressedBytes,
    async prepare(namesOrTypes) {
      for (const name of namesOrTypes) {
        if (compressions.has(name)) await compressions.prepare([name]);
        else await serializers.prepare([name]);
      }
    },
  };
}
