import { defaultCompressions, defaultSerializers } from '../defaults.js';
import type { Compression } from './compression.js';
import type { CompressedBody } from './compression-registry.js';
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from './limits.js';
import type { SerializedBody, Serializer } from './serializer.js';
import type { LoadsOptions } from './serializer-registry.js';

/**
 * Adds a serializer to the default registry, or replaces the one of that name. Consumers without an `accept` list take it.
 *
 * @example
 * ```ts
 * import { register } from '@kombu/core';
 *
 * register('csv', {
 *   contentType: 'text/csv',
 *   contentEncoding: 'utf-8',
 *   encode: (rows) => (rows as string[][]).map((row) => row.join(',')).join('\n'),
 *   decode: (body) => body.toString().split('\n').map((line) => line.split(',')),
 * });
 * ```
 */
export function register(name: string, serializer: Serializer): void {
  defaultSerializers.register(name, serializer);
}

/** Removes a serializer from the default registry. Returns whether there was one of that name. */
export function unregister(name: string): boolean {
  return defaultSerializers.unregister(name);
}

/** Lets consumers without an `accept` list decode this serializer or MIME type, in the default registry. */
export function enable(nameOrType: string): void {
  defaultSerializers.enable(nameOrType);
}

/** Makes consumers without an `accept` list refuse this serializer or MIME type, in the default registry. */
export function disable(nameOrType: string): void {
  defaultSerializers.disable(nameOrType);
}

/** Serializes a value with the default registry: with the named serializer, else bytes and text as they are and the rest as json. */
export function dumps(value: unknown, serializer?: string): SerializedBody {
  return defaultSerializers.dumps(value, serializer);
}

/**
 * The value of a body, by the default registry. A missing type is `application/data`, a missing encoding `utf-8`.
 *
 * @throws ContentDisallowed when the type is not accepted
 * @throws DecodeError when the body is not what its type says
 */
export function loads(
  body: Uint8Array,
  contentType?: string | null,
  contentEncoding?: string | null,
  options?: LoadsOptions,
): unknown {
  return defaultSerializers.loads(body, contentType, contentEncoding, options);
}

/** Enables pickle, yaml and msgpack, or those given, in the default registry. */
export function enableInsecureSerializers(choices?: readonly string[]): void {
  defaultSerializers.enableInsecureSerializers(choices);
}

/** Disables every serializer of the default registry but json, or but those given. */
export function disableInsecureSerializers(allowed?: readonly string[]): void {
  defaultSerializers.disableInsecureSerializers(allowed);
}

/** Adds a compression to the default registry, or replaces the one of that name. */
export function registerCompression(name: string, compression: Compression): void {
  defaultCompressions.register(name, compression);
}

/** Compresses a body with a compression of the default registry, by content type or alias. */
export async function compress(body: Uint8Array, nameOrType: string): Promise<CompressedBody> {
  return defaultCompressions.compress(body, nameOrType);
}

/** How {@link decompress} is bounded. */
export interface DecompressOptions {
  /** The most bytes that come out. @defaultValue 67108864 (64 MiB) */
  readonly maxDecompressedBytes?: number;
}

/**
 * Decompresses a body with a compression of the default registry, by content type or alias.
 *
 * @throws DecodeError when it is malformed, or grows beyond `maxDecompressedBytes`
 */
export async function decompress(
  body: Uint8Array,
  nameOrType: string,
  options: DecompressOptions = {},
): Promise<Buffer> {
  const { maxDecompressedBytes = DEFAULT_MAX_DECOMPRESSED_BYTES } = options;
  return defaultCompressions.decompress(body, nameOrType, maxDecompressedBytes);
}

/** The content types that the default registry can compress to. */
export function encoders(): string[] {
  return defaultCompressions.encoders();
}
