import { DecodeError, EncodeError } from '../errors/index.js';
import type { MaybePromise } from '../transport/index.js';
import { asBuffer, bytesOf, isBytes } from './bytes.js';
import { encodeText } from './charset.js';
import type { CodecSet } from './codec-set.js';
import type { SerializedBody } from './serializer.js';

/** How a body is to be written. */
export interface EncodeOptions {
  /** The serializer; everything is serialized then, text too. Unset: bytes and text as they are, the rest as json. */
  readonly serializer?: string | undefined;
  /** The body is serialized already, and of this type: it has to be text or bytes. */
  readonly contentType?: string | undefined;
  /** The charset of such a body. Unset: `utf-8` for text, `binary` for bytes. */
  readonly contentEncoding?: string | undefined;
  /** The compression, by content type or alias. */
  readonly compression?: string | undefined;
}

/** A body as it goes to a channel. */
export interface EncodedBody extends SerializedBody {
  /** What `headers.compression` has to say. */
  readonly compression?: string | undefined;
}

/**
 * Serializes and compresses a body. Here and now, unless it is compressed by something that takes long.
 *
 * @throws EncodeError when the body cannot be written so
 * @throws SerializerNotInstalled when the serializer or compression is unknown, or its package is missing
 */
export function encodeBody(body: unknown, options: EncodeOptions, codec: CodecSet): MaybePromise<EncodedBody> {
  const { compression } = options;
  const encoded = options.contentType === undefined ? serialize(body, options, codec) : asGiven(body, options);
  if (compression === undefined) return encoded;
  const withBody = (compressed: { body: Buffer; contentType: string }): EncodedBody => ({
    body: compressed.body,
    contentType: encoded.contentType,
    contentEncoding: encoded.contentEncoding,
    compression: compressed.contentType,
  });
  const compressed = codec.compressions.compress(encoded.body, compression);
  return compressed instanceof Promise ? compressed.then(withBody) : withBody(compressed);
}

function serialize(body: unknown, options: EncodeOptions, codec: CodecSet): SerializedBody {
  if (options.serializer === undefined && typeof body === 'object' && body !== null && isBytes(body)) {
    return {
      body: bytesOf(body),
      contentType: 'application/data',
      contentEncoding: options.contentEncoding ?? 'binary',
    };
  }
  return codec.serializers.dumps(body, options.serializer);
}

function asGiven(body: unknown, options: EncodeOptions): SerializedBody {
  const contentType = options.contentType as string;
  if (typeof body === 'string') {
    const contentEncoding = options.contentEncoding ?? 'utf-8';
    return { body: encodeText(body, contentEncoding), contentType, contentEncoding };
  }
  if (typeof body === 'object' && body !== null && isBytes(body)) {
    return { body: bytesOf(body), contentType, contentEncoding: options.contentEncoding ?? 'binary' };
  }
  throw new EncodeError('With contentType the body must be text or bytes, since it is not serialized again');
}

/**
 * Decompresses a body as its `compression` header says; a missing header leaves it alone.
 *
 * @throws DecodeError when it is malformed, or grows beyond `maxDecompressedBytes`
 * @throws SerializerNotInstalled when the compression is unknown, or its package is missing
 */
export function inflate(body: Uint8Array, compressionHeader: unknown, codec: CodecSet): MaybePromise<Buffer> {
  if (compressionHeader === undefined || compressionHeader === null || compressionHeader === '') return asBuffer(body);
  if (typeof compressionHeader !== 'string') throw new DecodeError('The compression header is not text');
  return codec.compressions.decompress(body, compressionHeader, codec.maxDecompressedBytes);
}

/**
 * The value of a body that was admitted and decompressed.
 *
 * @throws DecodeError when it is not what its type says
 */
export function deserialize(
  body: Uint8Array,
  contentType: string | null | undefined,
  contentEncoding: string | null | undefined,
  codec: CodecSet,
): unknown {
  return codec.serializers.decode(asBuffer(body), contentType, contentEncoding);
}
