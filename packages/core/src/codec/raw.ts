import { EncodeError } from '../errors/index.js';
import { bytesOf, isBytes } from './bytes.js';
import { decodeText } from './charset.js';
import type { Serializer } from './serializer.js';

/** The `raw` serializer: bytes and text as they are, of the type `application/data`. Anything else is an EncodeError. */
export function rawSerializer(): Serializer {
  return {
    contentType: 'application/data',
    encode(value) {
      if (typeof value === 'string') return value;
      if (typeof value === 'object' && value !== null && isBytes(value)) return bytesOf(value);
      throw new EncodeError('The raw serializer takes text and bytes only');
    },
    decode: decodeText,
  };
}

/** The `text` serializer: text in UTF-8, of the type `text/plain`. Anything else is an EncodeError. */
export function textSerializer(): Serializer {
  return {
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    encode(value) {
      if (typeof value === 'string') return value;
      throw new EncodeError('The text serializer takes text only');
    },
    decode: decodeText,
  };
}
