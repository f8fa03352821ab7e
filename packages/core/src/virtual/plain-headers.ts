import { parseJson } from '../codec/json/read.js';
import { stringifyJson } from '../codec/json/write.js';
import type { WireMessage } from '../transport/delivery.js';

/** Whether JSON gives a value back just as it is. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isPlain);
  const proto: unknown = Object.getPrototypeOf(value);
  return (proto === Object.prototype || proto === null) && Object.values(value).every(isPlain);
}

/**
 * The message as it would come out of an envelope: a date in its headers has become text, a function is gone. A store of objects would
 * hand such values on, and a test over it would pass for code that fails over any other.
 */
export function withPlainHeaders(message: WireMessage): WireMessage {
  const { headers } = message;
  for (const name in headers) {
    if (isPlain(headers[name])) continue;
    const { body, contentType, contentEncoding, properties } = message;
    const plain = parseJson(stringifyJson(headers)) as WireMessage['headers'];
    return { body, contentType, contentEncoding, headers: plain, properties };
  }
  return message;
}
