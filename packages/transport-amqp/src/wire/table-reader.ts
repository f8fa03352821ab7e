import { isUtf8 } from 'node:buffer';
import { DecodeError } from '@kombu/core';
import { readUtf8 } from './text.js';

const MAX_DEPTH = 200;

/**
 * Decodes a field table whose bytes, without the length, go from `start` to `end`. Integers come as numbers, or as bigint
 * beyond 2^53; dates (`T`) as Date; bytes (`x`) and text that is not UTF-8 as Buffer; decimals (`D`) as decimal text.
 * `l` and `L` are both signed, `b` and `s` are signed integers of 8 and 16 bits, as RabbitMQ has them.
 *
 * @throws DecodeError when the bytes are not a table.
 */
export function readTable(buffer: Buffer, start: number, end: number): Record<string, unknown> {
  if (end > buffer.length) throw malformed('it ends early');
  return new Cursor(buffer, start).table(end, 0);
}

function malformed(why: string): DecodeError {
  return new DecodeError(`malformed AMQP field table: ${why}`);
}

class Cursor {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
  }

  table(end: number, depth: number): Record<string, unknown> {
    const table: Record<string, unknown> = {};
    while (this.#at < end) {
      const length = this.#buffer[this.#take(1, end)] as number;
      const from = this.#take(length, end);
      const key = readUtf8(this.#buffer, from, from + length);
      const value = this.#value(end, depth);
      if (key === '__proto__') {
        Object.defineProperty(table, key, { value, enumerable: true, configurable: true, writable: true });
      } else table[key] = value;
    }
    return table;
  }

  #value(end: number, depth: number): unknown {
    const code = this.#buffer[this.#take(1, end)] as number;
    switch (code) {
      case 0x53: // S
        return this.#text(end);
      case 0x49: // I
        return this.#buffer.readInt32BE(this.#take(4, end));
      case 0x74: // t
        return this.#buffer[this.#take(1, end)] !== 0;
      case 0x56: // V
        return null;
      case 0x4c: // L
      case 0x6c: // l
        return this.#int64(end);
      case 0x64: // d
        return this.#buffer.readDoubleBE(this.#take(8, end));
      case 0x46: // F
        return this.#nested(end, depth, (limit) => this.table(limit, depth + 1));
      case 0x41: // A
        return this.#nested(end, depth, (limit) => this.#array(limit, depth + 1));
      case 0x54: // T
        return new Date(Number(this.#buffer.readBigUInt64BE(this.#take(8, end))) * 1000);
      case 0x78: // x
        return this.#bytes(end);
      default:
        return this.#rare(code, end);
    }
  }

  #rare(code: number, end: number): unknown {
    switch (code) {
      case 0x69: // i
        return this.#buffer.readUInt32BE(this.#take(4, end));
      case 0x62: // b
        return this.#buffer.readInt8(this.#take(1, end));
      case 0x42: // B
        return this.#buffer[this.#take(1, end)];
      case 0x73: // s
      case 0x55: // U
        return this.#buffer.readInt16BE(this.#take(2, end));
      case 0x75: // u
        return this.#buffer.readUInt16BE(this.#take(2, end));
      case 0x66: // f
        return this.#buffer.readFloatBE(this.#take(4, end));
      case 0x44: // D
        return this.#decimal(end);
      default:
        throw malformed(`unknown type code 0x${code.toString(16).padStart(2, '0')}`);
    }
  }

  #array(end: number, depth: number): unknown[] {
    const array: unknown[] = [];
    while (this.#at < end) array.push(this.#value(end, depth));
    return array;
  }

  #nested<T>(end: number, depth: number, read: (limit: number) => T): T {
    if (depth >= MAX_DEPTH) throw malformed('it is nested too deeply');
    const length = this.#buffer.readUInt32BE(this.#take(4, end));
    if (this.#at + length > end) throw malformed('a nested value ends late');
    return read(this.#at + length);
  }

  #text(end: number): string | Buffer {
    const length = this.#buffer.readUInt32BE(this.#take(4, end));
    const from = this.#take(length, end);
    const text = readUtf8(this.#buffer, from, from + length);
    if (!text.includes('\ufffd')) return text;
    const bytes = this.#buffer.subarray(from, from + length);
    return isUtf8(bytes) ? text : Buffer.from(bytes);
  }

  #bytes(end: number): Buffer {
    const length = this.#buffer.readUInt32BE(this.#take(4, end));
    const from = this.#take(length, end);
    return Buffer.from(this.#buffer.subarray(from, from + length));
  }

  #int64(end: number): number | bigint {
    const value = this.#buffer.readBigInt64BE(this.#take(8, end));
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** An unscaled signed 32-bit integer with a number of decimal places, as exact text. */
  #decimal(end: number): string {
    const places = this.#buffer[this.#take(1, end)] as number;
    const unscaled = this.#buffer.readInt32BE(this.#take(4, end));
    if (places === 0) return String(unscaled);
    const digits = String(Math.abs(unscaled)).padStart(places + 1, '0');
    return `${unscaled < 0 ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
  }

  #take(bytes: number, end: number): number {
    const at = this.#at;
    if (at + bytes > end) throw malformed('it ends early');
    this.#at = at + bytes;
    return at;
  }
}
