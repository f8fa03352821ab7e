import { types } from 'node:util';
import { EncodeError } from '../errors/index.js';
import { className, isRecord, setKey } from './record.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DECIMAL = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** A date as ISO 8601 text that Python's `fromisoformat` reads: three digits of milliseconds and `+00:00`, never `Z`. */
export function isoDate(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new EncodeError('An invalid Date cannot be serialized');
  return `${date.toISOString().slice(0, -1)}+00:00`;
}

/** Whether text is a UUID in its 36-character form. */
export function isUuidText(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}

/** Whether a value is one of those that stand for a decimal number (of decimal.js, big.js, bignumber.js and the like). */
export function isDecimalLike(value: object, text: string): boolean {
  return typeof (value as { toFixed?: unknown }).toFixed === 'function' && DECIMAL.test(text);
}

/**
 * What an instance of a class is serialized as: the result of its `__json__` or `toJSON` method; a boxed primitive's
 * primitive; the entries of a Map; the numbers of a typed array; the text of a UUID or decimal number; else the value itself,
 * which means its own properties. Dates and bytes are each serializer's own affair and never get here.
 *
 * @throws EncodeError for those whose own properties do not say what they are: a Set, a Promise, an Error, a RegExp, a WeakMap, a WeakSet
 */
export function reduceInstance(value: object, key: string): unknown {
  const { __json__, toJSON } = value as { __json__?: unknown; toJSON?: unknown };
  if (typeof __json__ === 'function') return __json__.call(value);
  if (typeof toJSON === 'function') return toJSON.call(value, key);
  if (isRecord(value)) return value;
  if (types.isBoxedPrimitive(value)) return value.valueOf();
  if (types.isMap(value)) return entriesOf(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>);
  const advice = adviceFor(value);
  if (advice !== undefined) {
    const where = key === '' ? '' : ` at '${key}'`;
    throw new EncodeError(`A value of class ${className(value)}${where} cannot be serialized; ${advice}`);
  }
  if (value.toString !== Object.prototype.toString && typeof value.toString === 'function') {
    const text: unknown = value.toString();
    if (typeof text === 'string' && (isUuidText(text) || isDecimalLike(value, text))) return text;
  }
  return value;
}

/** What to do with a value of which the gist would be lost without a word; undefined for every other. */
function adviceFor(value: object): string | undefined {
  if (types.isPromise(value)) return 'await it first';
  if (types.isNativeError(value) || isDomException(value) || types.isRegExp(value))
    return 'take what is needed of it, as text or a plain object';
  if (types.isSet(value)) return 'make it an array first';
  if (types.isWeakMap(value) || types.isWeakSet(value)) return 'what it holds cannot be listed';
  return undefined;
}

/** What an AbortSignal gives as its reason is a native error on some versions of Node only. */
function isDomException(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object DOMException]';
}

function entriesOf(map: Map<unknown, unknown>): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [key, value] of map) {
    if (typeof key !== 'string' && typeof key !== 'number') {
      throw new EncodeError('A Map can be serialized only when its keys are text or numbers');
    }
    setKey(record, String(key), value);
  }
  return record;
}

/** The error for a value that no body can hold. */
export function notSerializable(value: unknown): EncodeError {
  return new EncodeError(
    value === undefined ? 'undefined cannot be serialized' : `A ${typeof value} cannot be serialized`,
  );
}

/** The error for a value that is nested deeper than allowed, which also says what a circular one runs into. */
export function tooDeepToEncode(limit: number): EncodeError {
  return new EncodeError(`The body is circular or nested deeper than ${limit} levels`);
}
