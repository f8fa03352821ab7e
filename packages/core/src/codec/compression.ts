import type { MaybePromise } from '../transport/index.js';

/** Compresses bodies and back; what {@link CompressionRegistry.register} takes. */
export interface Compression {
  /** What `headers.compression` says. */
  readonly contentType: string;
  /** Other names it is known by, both as an option and in a header. */
  readonly aliases?: readonly string[];
  /** The compressed form. May return it here and now when that takes no more than milliseconds. */
  compress(body: Buffer): MaybePromise<Uint8Array>;
  /**
   * The original. Must stop with a DecodeError before the output is larger than `maxBytes`, and must not hold up the event loop
   * for long, whatever the input is.
   */
  decompress(body: Buffer, maxBytes: number): MaybePromise<Uint8Array>;
  /** Loads what it needs, such as an optional package. */
  prepare?(): Promise<void>;
}
