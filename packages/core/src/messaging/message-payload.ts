import type { CodecSet } from '../codec/codec-set.js';
import { deserialize, inflate } from '../codec/payload.js';
import { DecodeError } from '../errors/index.js';
import type { Delivery } from '../transport/delivery.js';

/**
 * The value of a body. A body that is still compressed (consumers that accept `'any'` get bodies as they came) is
 * decompressed first where that works synchronously.
 */
export function payloadOf(delivery: Delivery, body: Buffer, inflated: boolean, codec: CodecSet): unknown {
  const { compression } = delivery.headers;
  let plain = body;
  if (compression !== undefined && !inflated) {
    const result = inflate(body, compression, codec);
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new DecodeError(
        `A consumer that accepts 'any' gets the body compressed with ${String(compression)}, as it came`,
      );
    }
    plain = result;
  }
  return deserialize(plain, delivery.contentType, delivery.contentEncoding, codec);
}
