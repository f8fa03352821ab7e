import { isUtf8 } from 'node:buffer';
import { DecodeError } from '../../errors/index.js';
import { MAX_DEPTH } from '../limits.js';
import { setKey } from '../record.js';
import { checkNesting } from './nesting.js';
import { parseTolerant } from './tolerant.js';
import { type JsonType, untag } from './types.js';

/** Without its quotes, since a search is quick where the first character is rare. */
const TYPE_KEY = '__type__';
const NO_TYPES: ReadonlyMap<string, JsonType> = new Map();

/**
 * The value of JSON text in Kombu's dialect: JSON.parse, and after it what JSON.parse cannot do, where the text needs it:
 * Python's NaN and infinities, integers beyond 2^53 (bigint), and tagged values. `__proto__` stays an ordinary key.
 */
export function parseJson(text: string, types: ReadonlyMap<string, JsonType> = NO_TYPES): unknown {
  checkNesting(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (hasUnsafeInteger(value, 0)) value = parseTolerant(text);
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    if (!text.includes('NaN') && !text.includes('Infinity')) {
      throw new DecodeError(`The JSON body is malformed: ${withoutText(error)}`);
    }
    value = parseTolerant(text);
  }
  return text.includes(TYPE_KEY) ? revive(value, types) : value;
}

/** The text of a body, which has to be UTF-8. */
export function utf8Text(body: Buffer, what: string): string {
  const text = body.toString();
  if (text.includes('\uFFFD') && !isUtf8(body)) throw new DecodeError(`The ${what} body is not valid UTF-8`);
  return text;
}

/** Whether some number may stand for a larger integer than it can hold. Throws on the way when the value is nested too deep. */
function hasUnsafeInteger(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= MAX_DEPTH) throw new DecodeError(`The JSON body is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (hasUnsafeInteger(value[i], depth + 1)) return true;
    return false;
  }
  for (const key in value) if (hasUnsafeInteger((value as Record<string, unknown>)[key], depth + 1)) return true;
  return false;
}

/** Replaces tagged values by what they stand for, innermost first, in place. */
function revive(value: unknown, types: ReadonlyMap<string, JsonType>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = revive(value[i], types);
    return value;
  }
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record);
  for (const key of keys) setKey(record, key, revive(record[key], types));
  const tagged = keys.length === 2 && Object.hasOwn(record, '__type__') && Object.hasOwn(record, '__value__');
  return tagged ? untag(record.__type__, record.__value__, types) : record;
}

/** The message of a SyntaxError without the piece of the body that V8 quotes in it. */
function withoutText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position \d+/.exec(message)?.[0];
  return position === undefined ? 'unexpected end or token' : `unexpected token ${position}`;
}
