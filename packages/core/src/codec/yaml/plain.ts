import { types } from 'node:util';
import { bytesOf, isBytes } from '../bytes.js';
import { MAX_DEPTH } from '../limits.js';
import { setKey } from '../record.js';
import { notSerializable, reduceInstance, tooDeepToEncode } from '../rich.js';

/** A value in terms of what a YAML library writes by itself: plain objects, arrays, Dates, bytes, numbers, bigints and text. */
export function toPlain(value: unknown, key: string, depth: number): unknown {
  switch (typeof value) {
    case 'undefined':
    case 'function':
    case 'symbol':
      throw notSerializable(value);
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (depth >= MAX_DEPTH) throw tooDeepToEncode(MAX_DEPTH);
  if (types.isDate(value)) return value;
  if (isBytes(value)) return new Uint8Array(bytesOf(value));
  if (Array.isArray(value)) {
    return value.map((item, index) => (isLeftOut(item) ? null : toPlain(item, String(index), depth + 1)));
  }
  const reduced = reduceInstance(value, key);
  if (reduced !== value) return toPlain(reduced, key, depth + 1);
  const plain: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    if (!isLeftOut(item)) setKey(plain, name, toPlain(item, name, depth + 1));
  }
  return plain;
}

/** As in JSON: left out of an object, null in a list. */
function isLeftOut(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol';
}
