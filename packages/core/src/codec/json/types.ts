import { isUtf8 } from 'node:buffer';
import { DecodeError } from '../../errors/index.js';

/** A type of the application that JSON bodies carry, like Kombu's `register_type`. */
export interface JsonType {
  /** Whether a class instance is of this type. Plain objects and arrays are never asked. */
  is(value: object): boolean;
  /** What it is written as: any value that JSON bodies can hold. */
  encode(value: never): unknown;
  /** The value for what `encode` made. Unset: that itself. */
  decode?(encoded: never): unknown;
  /** `false` writes the encoded value without its envelope, so that nothing tells it apart when it is read. */
  readonly tag?: boolean;
}

/** A tagged value as Kombu >= 5.3 writes it. */
export function tag(type: string, value: unknown): object {
  return { __type__: type, __value__: value };
}

/** The tag of binary data: its text where it is valid UTF-8, else base64. */
export function bytesTag(bytes: Buffer): object {
  return isUtf8(bytes) ? tag('bytes', bytes.toString()) : tag('base64', bytes.toString('base64'));
}

const NAIVE_DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?$/;
const HEX = /^[0-9a-f]{32}$/i;

/** The value of a tagged object. `types` come before the built-in ones. */
export function untag(type: unknown, value: unknown, types: ReadonlyMap<string, JsonType>): unknown {
  const own = typeof type === 'string' ? types.get(type) : undefined;
  if (own !== undefined) return own.decode === undefined ? value : own.decode(value as never);
  switch (type) {
    case 'datetime':
      return dateOf(text(type, value));
    case 'date':
    case 'time':
    case 'decimal':
      return text(type, value);
    case 'uuid':
      return uuidOf(value);
    case 'bytes':
      return Buffer.from(text(type, value));
    case 'base64':
      return Buffer.from(text(type, value), 'base64');
    default:
      throw new DecodeError(`The JSON body has a value of the unknown type ${JSON.stringify(type)}`);
  }
}

function text(type: string, value: unknown): string {
  if (typeof value !== 'string') throw new DecodeError(`The JSON body has a ${type} that is not text`);
  return value;
}

/** A datetime without an offset is taken as UTC; microseconds are cut to milliseconds. */
function dateOf(iso: string): Date {
  const naive = NAIVE_DATE.test(iso);
  const date = new Date(naive && iso.length > 10 ? `${iso}Z` : iso);
  if (Number.isNaN(date.getTime())) throw new DecodeError('The JSON body has a datetime that is not ISO 8601');
  return date;
}

function uuidOf(value: unknown): string {
  const hex = (value as { hex?: unknown } | null)?.hex;
  if (typeof hex !== 'string' || !HEX.test(hex)) throw new DecodeError('The JSON body has a malformed uuid');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join('-')
    .toLowerCase();
}
