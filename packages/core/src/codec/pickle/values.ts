import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { DecodeError } from '../../errors/index.js';
import { MAX_DEPTH } from '../limits.js';
import { setKey } from '../record.js';

/** What a list or tuple is here. */
export function isArray(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

/** What a set is here. */
export function isSet(value: unknown): value is Set<unknown> {
  return types.isSet(value);
}

/** What a dict is here. */
export function isDict(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Puts keys and values, in turn, into a dict. */
export function fill(dict: Record<string, unknown>, items: readonly unknown[]): Record<string, unknown> {
  if (items.length % 2 === 1) throw malformed('has a key without a value');
  for (let i = 0; i < items.length; i += 2) setKey(dict, keyOf(items[i]), items[i + 1]);
  return dict;
}

function keyOf(key: unknown): string {
  if (typeof key === 'object' && key !== null) {
    throw new DecodeError('The pickle has a dict with a key that is not text, a number, a bool or None');
  }
  return String(key);
}

/** A `str` of Python 2: text where it is UTF-8, else bytes. */
export function python2Text(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes);
}

/** Throws when a value is nested too deep. Each object is visited once, however often it is mentioned. */
export function checkDepth(value: unknown, depth: number, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || seen.has(value)) return;
  if (depth >= MAX_DEPTH) throw new DecodeError(`The pickle is nested deeper than ${MAX_DEPTH} levels`);
  seen.add(value);
  const children = types.isSet(value) || Array.isArray(value) ? value : Object.values(value);
  for (const child of children) checkDepth(child, depth + 1, seen);
}

/** The error for a pickle whose opcodes do not fit together. */
export function malformed(what: string): DecodeError {
  return new DecodeError(`The pickle is malformed: it ${what}`);
}
