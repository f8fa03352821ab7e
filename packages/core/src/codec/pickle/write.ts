import { types } from 'node:util';
import { EncodeError } from '../../errors/index.js';
import { ByteWriter } from '../byte-writer.js';
import { bytesOf, isBytes } from '../bytes.js';
import { MAX_DEPTH } from '../limits.js';
import { isoDate, notSerializable, reduceInstance, tooDeepToEncode } from '../rich.js';
import { longBytes } from './long.js';
import { Op } from './opcodes.js';

/** The pickle protocols that are written. */
export type PickleProtocol = 2 | 3 | 4 | 5;

/**
 * A value as a pickle that Python loads without importing anything of an application. What has no plain counterpart is written
 * as json has it (a Date as ISO text). Bytes before protocol 3 are the call of `_codecs.encode` that Python itself writes there.
 */
export function writePickle(value: unknown, protocol: PickleProtocol): Buffer {
  const out = new ByteWriter();
  out.u8(Op.proto);
  out.u8(protocol);
  write(out, value, protocol, '', 0);
  out.u8(Op.stop);
  return out.take();
}

function write(out: ByteWriter, value: unknown, protocol: PickleProtocol, key: string, depth: number): void {
  switch (typeof value) {
    case 'string':
      writeText(out, value);
      return;
    case 'number':
      writeNumber(out, value);
      return;
    case 'bigint':
      writeBigint(out, value);
      return;
    case 'boolean':
      out.u8(value ? Op.newTrue : Op.newFalse);
      return;
    case 'object':
      if (value === null) {
        out.u8(Op.none);
        return;
      }
      if (depth >= MAX_DEPTH) throw tooDeepToEncode(MAX_DEPTH);
      writeObject(out, value, protocol, key, depth);
      return;
    default:
      throw notSerializable(value);
  }
}

function writeObject(out: ByteWriter, value: object, protocol: PickleProtocol, key: string, depth: number): void {
  if (types.isDate(value)) {
    writeText(out, isoDate(value));
    return;
  }
  if (isBytes(value)) {
    writeBytes(out, bytesOf(value), protocol);
    return;
  }
  if (Array.isArray(value)) {
    writeItems(out, Op.emptyList, Op.appends, value, protocol, depth);
    return;
  }
  if (types.isSet(value)) {
    if (protocol < 4) throw new EncodeError('A Set is pickled from protocol 4 on only');
    writeItems(out, Op.emptySet, Op.addItems, [...value], protocol, depth);
    return;
  }
  const reduced = reduceInstance(value, key);
  if (reduced !== value) {
    write(out, reduced, protocol, key, depth + 1);
    return;
  }
  writeDict(out, value as Record<string, unknown>, protocol, depth);
}

function writeItems(
  out: ByteWriter,
  empty: number,
  fill: number,
  items: readonly unknown[],
  protocol: PickleProtocol,
  depth: number,
): void {
  out.u8(empty);
  if (items.length === 0) return;
  out.u8(Op.mark);
  for (const [index, item] of items.entries()) {
    write(out, isLeftOut(item) ? null : item, protocol, String(index), depth + 1);
  }
  out.u8(fill);
}

function writeDict(out: ByteWriter, record: Record<string, unknown>, protocol: PickleProtocol, depth: number): void {
  out.u8(Op.emptyDict);
  out.u8(Op.mark);
  for (const key of Object.keys(record)) {
    if (isLeftOut(record[key])) continue;
    writeText(out, key);
    write(out, record[key], protocol, key, depth + 1);
  }
  out.u8(Op.setItems);
}

/** As in JSON: left out of an object, None in a list. */
function isLeftOut(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol';
}

function writeText(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  writeLength(out, Op.binUnicode, bytes.length);
  out.bytes(bytes);
}

function writeLength(out: ByteWriter, op: number, length: number): void {
  const [buffer, at] = out.reserve(5);
  buffer[at] = op;
  buffer.writeUInt32LE(length, at + 1);
}

function writeNumber(out: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    const [buffer, at] = out.reserve(9);
    buffer[at] = Op.binFloat;
    buffer.writeDoubleBE(value, at + 1);
  } else if (value >= 0 && value < 256) {
    out.u8(Op.binInt1);
    out.u8(value);
  } else if (value >= -0x80000000 && value < 0x80000000) {
    const [buffer, at] = out.reserve(5);
    buffer[at] = Op.binInt;
    buffer.writeInt32LE(value, at + 1);
  } else {
    writeBigint(out, BigInt(value));
  }
}

function writeBigint(out: ByteWriter, value: bigint): void {
  const bytes = longBytes(value);
  if (bytes.length < 256) {
    out.u8(Op.long1);
    out.u8(bytes.length);
  } else {
    writeLength(out, Op.long4, bytes.length);
  }
  out.bytes(bytes);
}

function writeBytes(out: ByteWriter, bytes: Buffer, protocol: PickleProtocol): void {
  if (protocol >= 3) {
    writeLength(out, Op.binBytes, bytes.length);
    out.bytes(bytes);
    return;
  }
  out.u8(Op.global);
  out.bytes(Buffer.from('_codecs\nencode\n'));
  writeText(out, bytes.toString('latin1'));
  writeText(out, 'latin1');
  out.u8(Op.tuple2);
  out.u8(Op.reduce);
}
