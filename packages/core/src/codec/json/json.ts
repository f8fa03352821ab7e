import { asBuffer } from '../bytes.js';
import type { Serializer } from '../serializer.js';
import { parseJson, utf8Text } from './read.js';
import type { JsonType } from './types.js';
import { type JsonWriteOptions, jsonBytes } from './write.js';

/** How a {@link jsonSerializer} differs from the default one. */
export interface JsonOptions {
  /**
   * Write dates, bytes, decimal numbers and UUID objects as Kombu >= 5.3 does, `{"__type__": "datetime", "__value__": ...}`, so
   * that the receiver gets them back as such. Kombu <= 5.2 sees plain dictionaries then.
   *
   * @defaultValue false: plain text, which every version reads
   */
  readonly tagged?: boolean;
  /** The application's own types by the `__type__` they are marked with; they come before the built-in ones. */
  readonly types?: Readonly<Record<string, JsonType>>;
}

/**
 * The `json` serializer: Kombu's dialect of JSON.
 *
 * Written plainly by default: a Date as ISO 8601 text with `+00:00`, bytes as base64 text, a bigint as a bare integer, NaN and the
 * infinities as Python's literals, an object with `__json__()` or `toJSON()` as what that returns. Read: integers beyond 2^53 as
 * bigint, Python's literals, and values tagged by Kombu >= 5.3 (`datetime` as Date, `bytes` as Buffer, `decimal`, `date`, `time`
 * and `uuid` as text), whatever `tagged` says. A Set, a circular value or `undefined` is an EncodeError.
 *
 * @example
 * ```ts
 * import { register, jsonSerializer } from '@kombu/core';
 *
 * register('json', jsonSerializer({ tagged: true }));
 * ```
 */
export function jsonSerializer(options: JsonOptions = {}): Serializer {
  const entries = Object.entries(options.types ?? {});
  const writing: JsonWriteOptions = { tagged: options.tagged ?? false, types: entries };
  const types: ReadonlyMap<string, JsonType> = new Map(entries);
  return {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    encode: (value) => jsonBytes(value, writing),
    decode: (body) => parseJson(utf8Text(asBuffer(body), 'JSON'), types),
  };
}
