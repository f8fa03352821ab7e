import { isUtf8 } from 'node:buffer';
import { DecodeError } from '../../errors/index.js';
import { MAX_DEPTH } from '../limits.js';
import { setKey } from '../record.js';

/**
 * The value of a MessagePack body. The str family is text and the bin family Buffers; an integer beyond 2^53 is a bigint; a map's
 * keys become text (a Python consumer takes text keys only); a timestamp extension is a Date, and any other one an error.
 */
export function readMsgpack(body: Buffer): unknown {
  const reader = new Reader(body);
  const value = reader.value(0);
  if (reader.rest > 0) throw new DecodeError(`The msgpack body has ${reader.rest} bytes too many`);
  return value;
}

class Reader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get rest(): number {
    return this.#body.length - this.#at;
  }

  value(depth: number): unknown {
    const type = this.#uint(1);
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f, depth);
    if (type < 0xa0) return this.#array(type & 0x0f, depth);
    if (type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#bytes(this.#uint(1));
      case 0xc5:
        return this.#bytes(this.#uint(2));
      case 0xc6:
        return this.#bytes(this.#uint(4));
      case 0xc7:
        return this.#extension(this.#uint(1));
      case 0xc8:
        return this.#extension(this.#uint(2));
      case 0xc9:
        return this.#extension(this.#uint(4));
      case 0xca:
        return this.#take(4).readFloatBE();
      case 0xcb:
        return this.#take(8).readDoubleBE();
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xcf:
        return exact(this.#take(8).readBigUInt64BE());
      case 0xd0:
        return this.#take(1).readInt8();
      case 0xd1:
        return this.#take(2).readInt16BE();
      case 0xd2:
        return this.#take(4).readInt32BE();
      case 0xd3:
        return exact(this.#take(8).readBigInt64BE());
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (type - 0xd4));
      case 0xd9:
        return this.#text(this.#uint(1));
      case 0xda:
        return this.#text(this.#uint(2));
      case 0xdb:
        return this.#text(this.#uint(4));
      case 0xdc:
        return this.#array(this.#uint(2), depth);
      case 0xdd:
        return this.#array(this.#uint(4), depth);
      case 0xde:
        return this.#map(this.#uint(2), depth);
      case 0xdf:
        return this.#map(this.#uint(4), depth);
      default:
        throw new DecodeError('The msgpack body has the byte 0xc1, which has no meaning');
    }
  }

  #array(length: number, depth: number): unknown[] {
    this.#enter(length, depth);
    const items: unknown[] = [];
    for (let i = 0; i < length; i++) items.push(this.value(depth + 1));
    return items;
  }

  #map(length: number, depth: number): Record<string, unknown> {
    this.#enter(length * 2, depth);
    const record: Record<string, unknown> = {};
    for (let i = 0; i < length; i++) {
      const key = this.value(depth + 1);
      if (typeof key === 'object' && key !== null && !Buffer.isBuffer(key)) {
        throw new DecodeError('The msgpack body has a map with a key that is not text, bytes or a number');
      }
      setKey(record, String(key), this.value(depth + 1));
    }
    return record;
  }

  /** A container cannot have more values than there are bytes left, so a length never allocates more than the body is worth. */
  #enter(values: number, depth: number): void {
    if (depth >= MAX_DEPTH) throw new DecodeError(`The msgpack body is nested deeper than ${MAX_DEPTH} levels`);
    if (values > this.rest) throw cutOff();
  }

  #text(length: number): string {
    const bytes = this.#take(length);
    const text = bytes.toString();
    if (text.includes('\uFFFD') && !isUtf8(bytes))
      throw new DecodeError('The msgpack body has text that is not valid UTF-8');
    return text;
  }

  #bytes(length: number): Buffer {
    return Buffer.from(this.#take(length));
  }

  /** Type -1 is a timestamp of 32, 64 or 96 bits (the MessagePack specification, "Timestamp extension type"). */
  #extension(length: number): Date {
    const type = this.#take(1).readInt8();
    const data = this.#take(length);
    if (type !== -1) throw new DecodeError(`The msgpack body has the extension type ${type}, which is not known`);
    if (length === 4) return dateOf(data.readUInt32BE(), 0);
    if (length === 8)
      return dateOf((data.readUInt32BE() & 3) * 2 ** 32 + data.readUInt32BE(4), data.readUInt32BE() >>> 2);
    if (length === 12) return dateOf(Number(data.readBigInt64BE(4)), data.readUInt32BE());
    throw new DecodeError('The msgpack body has a malformed timestamp');
  }

  #uint(width: 1 | 2 | 4): number {
    return this.#take(width).readUIntBE(0, width);
  }

  #take(length: number): Buffer {
    if (length > this.rest) throw cutOff();
    const start = this.#at;
    this.#at += length;
    return this.#body.subarray(start, this.#at);
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function dateOf(seconds: number, nanoseconds: number): Date {
  const date = new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
  if (Number.isNaN(date.getTime())) throw new DecodeError('The msgpack body has a timestamp beyond what a Date holds');
  return date;
}

function cutOff(): DecodeError {
  return new DecodeError('The msgpack body is cut off');
}
