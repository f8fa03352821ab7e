import { types } from 'node:util';
import { EncodeError } from '../../errors/index.js';
import { ByteWriter } from '../byte-writer.js';
import { bytesOf, isBytes } from '../bytes.js';
import { MAX_DEPTH } from '../limits.js';
import { isoDate, notSerializable, reduceInstance, tooDeepToEncode } from '../rich.js';

/**
 * A value as MessagePack: text in the str family, bytes in the bin family, integers in the shortest form. What MessagePack has
 * no form for is written as json has it (a Date as ISO text, which Python takes as it is).
 */
export function writeMsgpack(value: unknown): Buffer {
  const out = new ByteWriter();
  write(out, value, '', 0);
  return out.take();
}

function write(out: ByteWriter, value: unknown, key: string, depth: number): void {
  switch (typeof value) {
    case 'string':
      writeText(out, value);
      return;
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) writeInteger(out, value);
      else writeFloat(out, value);
      return;
    case 'bigint':
      writeBigint(out, value);
      return;
    case 'boolean':
      out.u8(value ? 0xc3 : 0xc2);
      return;
    case 'object':
      if (value === null) {
        out.u8(0xc0);
        return;
      }
      if (depth >= MAX_DEPTH) throw tooDeepToEncode(MAX_DEPTH);
      writeObject(out, value, key, depth);
      return;
    default:
      throw notSerializable(value);
  }
}

function writeObject(out: ByteWriter, value: object, key: string, depth: number): void {
  if (types.isDate(value)) {
    writeText(out, isoDate(value));
    return;
  }
  if (isBytes(value)) {
    const bytes = bytesOf(value);
    writeLength(out, bytes.length, 0, -1, 0xc4, 0xc5, 0xc6);
    out.bytes(bytes);
    return;
  }
  if (Array.isArray(value)) {
    writeLength(out, value.length, 0x90, 15, undefined, 0xdc, 0xdd);
    for (const [index, item] of value.entries()) write(out, isLeftOut(item) ? null : item, String(index), depth + 1);
    return;
  }
  const reduced = reduceInstance(value, key);
  if (reduced !== value) {
    write(out, reduced, key, depth + 1);
    return;
  }
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record).filter((name) => !isLeftOut(record[name]));
  writeLength(out, keys.length, 0x80, 15, undefined, 0xde, 0xdf);
  for (const name of keys) {
    writeText(out, name);
    write(out, record[name], name, depth + 1);
  }
}

/** As in JSON: left out of an object, nil in an array. */
function isLeftOut(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol';
}

function writeText(out: ByteWriter, text: string): void {
  const length = Buffer.byteLength(text);
  writeLength(out, length, 0xa0, 31, 0xd9, 0xda, 0xdb);
  const [buffer, at] = out.reserve(length);
  buffer.write(text, at);
}

/** A length in the first form it fits: within the type byte, then 8 (where there is one), 16 or 32 bits. */
function writeLength(
  out: ByteWriter,
  length: number,
  fix: number,
  fixMax: number,
  type8: number | undefined,
  type16: number,
  type32: number,
): void {
  if (length <= fixMax) {
    out.u8(fix | length);
    return;
  }
  if (type8 !== undefined && length <= 0xff) {
    writeUint(out, type8, length, 1);
    return;
  }
  if (length <= 0xffff) {
    writeUint(out, type16, length, 2);
    return;
  }
  if (length <= 0xffffffff) {
    writeUint(out, type32, length, 4);
    return;
  }
  throw new EncodeError('A value of more than 4 GiB cannot be written as msgpack');
}

function writeUint(out: ByteWriter, type: number, value: number, width: number): void {
  const [buffer, at] = out.reserve(1 + width);
  buffer[at] = type;
  buffer.writeUIntBE(value, at + 1, width);
}

function writeInteger(out: ByteWriter, value: number): void {
  if (value >= 0) {
    if (value < 0x80) {
      out.u8(value);
      return;
    }
    if (value <= 0xff) {
      writeUint(out, 0xcc, value, 1);
      return;
    }
    if (value <= 0xffff) {
      writeUint(out, 0xcd, value, 2);
      return;
    }
    if (value <= 0xffffffff) {
      writeUint(out, 0xce, value, 4);
      return;
    }
    writeBigint(out, BigInt(value));
    return;
  }
  if (value >= -0x20) {
    out.u8(value & 0xff);
    return;
  }
  if (value >= -0x80) {
    writeInt(out, 0xd0, value, 1);
    return;
  }
  if (value >= -0x8000) {
    writeInt(out, 0xd1, value, 2);
    return;
  }
  if (value >= -0x80000000) {
    writeInt(out, 0xd2, value, 4);
    return;
  }
  writeBigint(out, BigInt(value));
}

function writeInt(out: ByteWriter, type: number, value: number, width: number): void {
  const [buffer, at] = out.reserve(1 + width);
  buffer[at] = type;
  buffer.writeIntBE(value, at + 1, width);
}

function writeBigint(out: ByteWriter, value: bigint): void {
  if (value >= -0x80000000n && value <= 0xffffffffn) {
    writeInteger(out, Number(value));
    return;
  }
  if (value < -(2n ** 63n) || value >= 2n ** 64n)
    throw new EncodeError('An integer of more than 64 bits cannot be written as msgpack');
  const [buffer, at] = out.reserve(9);
  buffer[at] = value < 0n ? 0xd3 : 0xcf;
  buffer.writeBigUInt64BE(BigInt.asUintN(64, value), at + 1);
}

function writeFloat(out: ByteWriter, value: number): void {
  const [buffer, at] = out.reserve(9);
  buffer[at] = 0xcb;
  buffer.writeDoubleBE(value, at + 1);
}
