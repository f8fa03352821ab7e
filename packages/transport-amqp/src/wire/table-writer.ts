import { EncodeError } from '@kombu/core';
import { writeShort, writeUtf8 } from './text.js';

const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** The last second that Python's `datetime` can hold (year 9999). */
const LAST_SECOND = 253402300799;
const MAX_DEPTH = 100;

/**
 * Encodes field tables, so that py-amqp, RabbitMQ and amqplib all read the same values: integers as `I` (int32) or, beyond
 * that, `l` when positive and `L` when negative (py-amqp reads `l` as unsigned, amqplib knows no `L`); other numbers as `d`,
 * dates as `T` (whole seconds), bytes as `x`, text as `S`, null as `V`, tables as `F`, arrays as `A`. The shorter integer
 * codes mean different things to different clients and are never written.
 *
 * Source: the type codes that py-amqp 5 decodes, and RabbitMQ's list of AMQP 0-9-1 errata.
 */
export class TableWriter {
  #buffer = Buffer.allocUnsafeSlow(1024);
  #at = 0;
  readonly #path: string[] = [];

  /**
   * Encodes a table, its length in front. The result is valid until the next call.
   *
   * @throws EncodeError naming the entry that cannot be encoded.
   */
  encode(table: Readonly<Record<string, unknown>>): Buffer {
    this.#at = 0;
    this.#path.length = 0;
    this.#table(table);
    return this.#buffer.subarray(0, this.#at);
  }

  #table(table: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>): void {
    const start = this.#begin();
    const entries = table instanceof Map ? table.entries() : undefined;
    if (entries !== undefined) for (const [key, value] of entries) this.#entry(String(key), value);
    else for (const key of Object.keys(table)) this.#entry(key, (table as Record<string, unknown>)[key]);
    this.#end(start);
  }

  #entry(key: string, value: unknown): void {
    if (value === undefined) return;
    if (key.length > 255 || (key.length > 85 && Buffer.byteLength(key) > 255)) {
      throw this.#error(`a name of more than 255 bytes`, `${key.slice(0, 40)}...`);
    }
    this.#room(1 + 3 * key.length);
    this.#at = writeShort(this.#buffer, key, this.#at);
    this.#value(value, key);
  }

  #value(value: unknown, key: string): void {
    switch (typeof value) {
      case 'string': {
        this.#room(5 + 3 * value.length);
        const end = writeUtf8(this.#buffer, value, this.#at + 5);
        this.#sized('S', end);
        return;
      }
      case 'number':
        this.#number(value, key);
        return;
      case 'boolean':
        this.#room(2);
        this.#buffer[this.#at++] = 0x74; // t
        this.#buffer[this.#at++] = value ? 1 : 0;
        return;
      case 'bigint':
        this.#bigint(value, key);
        return;
      case 'object':
        this.#object(value, key);
        return;
      default:
        throw this.#error(`a ${typeof value}`, key);
    }
  }

  #number(value: number, key: string): void {
    // RabbitMQ cannot read these, and ends the connection over them (541).
    if (!Number.isFinite(value)) throw this.#error(`the number ${value}`, key);
    this.#room(9);
    if (Number.isInteger(value)) {
      if (value >= INT32_MIN && value <= INT32_MAX) {
        this.#buffer[this.#at] = 0x49; // I
        this.#at = this.#buffer.writeInt32BE(value, this.#at + 1);
        return;
      }
      if (value >= -(2 ** 63) && value < 2 ** 63) {
        this.#int64(BigInt(value));
        return;
      }
    }
    this.#buffer[this.#at] = 0x64; // d
    this.#at = this.#buffer.writeDoubleBE(value, this.#at + 1);
  }

  #bigint(value: bigint, key: string): void {
    if (value < INT64_MIN || value > INT64_MAX) throw this.#error('an integer of more than 64 bits', key);
    this.#room(9);
    if (value >= INT32_MIN && value <= INT32_MAX) this.#number(Number(value), key);
    else this.#int64(value);
  }

  #int64(value: bigint): void {
    this.#buffer[this.#at] = value < 0n ? 0x4c : 0x6c; // L, l
    this.#at = this.#buffer.writeBigInt64BE(value, this.#at + 1);
  }

  #object(value: object | null, key: string): void {
    if (value === null) {
      this.#room(1);
      this.#buffer[this.#at++] = 0x56; // V
    } else if (Array.isArray(value)) {
      this.#nested('A', key, () => {
        const start = this.#begin();
        for (let i = 0; i < value.length; i++) this.#value(value[i] ?? null, String(i));
        this.#end(start);
      });
    } else if (value instanceof Uint8Array) {
      this.#room(5 + value.length);
      this.#buffer.set(value, this.#at + 5);
      this.#sized('x', this.#at + 5 + value.length);
    } else if (value instanceof Date) {
      const seconds = Math.floor(value.getTime() / 1000);
      if (!(seconds >= 0 && seconds <= LAST_SECOND)) throw this.#error('a date before 1970 or after 9999', key);
      this.#room(9);
      this.#buffer[this.#at] = 0x54; // T
      this.#at = this.#buffer.writeBigUInt64BE(BigInt(seconds), this.#at + 1);
    } else if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
      this.#value((value as { toJSON(): unknown }).toJSON() ?? null, key);
    } else {
      this.#nested('F', key, () => this.#table(value as Record<string, unknown>));
    }
  }

  #nested(code: string, key: string, write: () => void): void {
    if (this.#path.length >= MAX_DEPTH) throw this.#error('a table nested too deeply, or in itself', key);
    this.#path.push(key);
    this.#room(1);
    this.#buffer[this.#at++] = code.charCodeAt(0);
    write();
    this.#path.pop();
  }

  #begin(): number {
    this.#room(4);
    this.#at += 4;
    return this.#at;
  }

  #end(start: number): void {
    this.#buffer.writeUInt32BE(this.#at - start, start - 4);
  }

  #sized(code: string, end: number): void {
    this.#buffer[this.#at] = code.charCodeAt(0);
    this.#buffer.writeUInt32BE(end - this.#at - 5, this.#at + 1);
    this.#at = end;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  #error(what: string, key: string): EncodeError {
    return new EncodeError(`AMQP header ${JSON.stringify([...this.#path, key].join('.'))}: ${what} cannot be sent`);
  }
}
