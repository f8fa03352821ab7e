import { types } from 'node:util';
import { EncodeError } from '../../errors/index.js';
import { bytesOf, isBytes } from '../bytes.js';
import { MAX_DEPTH } from '../limits.js';
import { isRecord } from '../record.js';
import { isDecimalLike, isoDate, isUuidText, notSerializable, reduceInstance, tooDeepToEncode } from '../rich.js';
import { bytesTag, type JsonType, tag } from './types.js';

/** How {@link stringifyJson} writes what JSON has no form for. */
export interface JsonWriteOptions {
  /** Rich values as Kombu >= 5.3 writes them, `{"__type__": ..., "__value__": ...}`, instead of as plain text. */
  readonly tagged: boolean;
  /** The application's own types, by marker. */
  readonly types: readonly (readonly [marker: string, type: JsonType])[];
}

const PLAIN: JsonWriteOptions = { tagged: false, types: [] };

/**
 * A value as JSON text in Kombu's dialect. What JSON.stringify can write faithfully it writes; the rest (dates, bigints, bytes,
 * class instances, NaN and the infinities) is written here.
 */
export function stringifyJson(value: unknown, options: JsonWriteOptions = PLAIN): string {
  if (isBare(value, 0) && value !== undefined) return JSON.stringify(value);
  const text = write(value, '', 0, options);
  if (text === undefined) throw notSerializable(value);
  return text;
}

/**
 * Whether JSON.stringify writes this value as it is meant. `undefined` in an object is left out and in an array null, as there. A
 * function is never bare, so an object with a `toJSON` or `__json__` of its own is not either.
 */
function isBare(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isBare(value[i], depth + 1)) return false;
    return true;
  }
  if (!isRecord(value)) return false;
  for (const key in value) if (!isBare(value[key], depth + 1)) return false;
  return true;
}

/** The text of any value; undefined for one that JSON leaves out. */
function write(value: unknown, key: string, depth: number, options: JsonWriteOptions): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : String(value);
    case 'bigint':
      return value.toString();
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return 'null';
  if (depth >= MAX_DEPTH) throw tooDeepToEncode(MAX_DEPTH);
  if (Array.isArray(value) && typeof (value as { toJSON?: unknown }).toJSON !== 'function') {
    return writeArray(value, depth, options);
  }
  return writeObject(value, key, depth, options);
}

function writeArray(items: readonly unknown[], depth: number, options: JsonWriteOptions): string {
  let text = '[';
  for (let i = 0; i < items.length; i++) {
    text += i === 0 ? '' : ',';
    text += write(items[i], String(i), depth + 1, options) ?? 'null';
  }
  return `${text}]`;
}

function writeObject(value: object, key: string, depth: number, options: JsonWriteOptions): string | undefined {
  if (options.types.length > 0 && !isRecord(value)) {
    for (const [marker, type] of options.types) {
      if (!type.is(value)) continue;
      const encoded = type.encode(value as never);
      return write(type.tag === false ? encoded : tag(marker, encoded), key, depth + 1, options);
    }
  }
  if (types.isDate(value)) {
    return write(options.tagged ? tag('datetime', isoDate(value)) : isoDate(value), key, depth, options);
  }
  if (isBytes(value)) {
    const bytes = bytesOf(value);
    return options.tagged ? write(bytesTag(bytes), key, depth, options) : `"${bytes.toString('base64')}"`;
  }
  const reduced = reduceInstance(value, key);
  if (reduced === value) return writeRecord(value as Record<string, unknown>, depth, options);
  if (options.tagged && typeof reduced === 'string' && !isRecord(value)) {
    if (isDecimalLike(value, reduced)) return write(tag('decimal', reduced), key, depth, options);
    if (isUuidText(reduced)) return write(tag('uuid', { hex: reduced.replaceAll('-', '') }), key, depth, options);
  }
  return isSame(reduced) ? writeRecord(reduced, depth, options) : write(reduced, key, depth + 1, options);
}

/** A record that a `toJSON` returned is written as it is: its own `toJSON` is not called again, as JSON.stringify has it. */
function isSame(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isRecord(value);
}

function writeRecord(record: Record<string, unknown>, depth: number, options: JsonWriteOptions): string {
  let text = '{';
  for (const key of Object.keys(record)) {
    const written = write(record[key], key, depth + 1, options);
    if (written === undefined) continue;
    text += `${text.length > 1 ? ',' : ''}${JSON.stringify(key)}:${written}`;
  }
  return `${text}}`;
}

/** The body text as bytes; an error when the text is longer than a string or Buffer can be. */
export function jsonBytes(value: unknown, options: JsonWriteOptions): Buffer {
  try {
    return Buffer.from(stringifyJson(value, options));
  } catch (error) {
    if (error instanceof RangeError)
      throw new EncodeError('The body is too large to be written as JSON', { cause: error });
    throw error;
  }
}
