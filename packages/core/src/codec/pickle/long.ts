import { DecodeError, EncodeError } from '../../errors/index.js';

/** 4300 decimal digits, the bound of JSON, fit into this many bytes. */
const MAX_LONG_BYTES = 1786;

/** A little-endian two's complement integer: a number where that is exact, else a bigint. */
export function readLong(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0;
  if (bytes.length <= 6) return bytes.readIntLE(0, bytes.length);
  if (bytes.length > MAX_LONG_BYTES)
    throw new DecodeError(`The pickle has an integer of more than ${MAX_LONG_BYTES} bytes`);
  const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The shortest little-endian two's complement form of an integer; empty for 0. */
export function longBytes(value: bigint): Buffer {
  if (value === 0n) return Buffer.alloc(0);
  const magnitude = value < 0n ? -value - 1n : value;
  const length = Math.floor(magnitude.toString(16).length / 2) + 1;
  if (length > MAX_LONG_BYTES)
    throw new EncodeError(`An integer of more than ${MAX_LONG_BYTES} bytes cannot be pickled`);
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0');
  const bytes = Buffer.from(hex, 'hex').reverse();
  const last = bytes[length - 1];
  const before = bytes[length - 2];
  const isPadded = before !== undefined && ((last === 0 && before < 0x80) || (last === 0xff && before >= 0x80));
  return isPadded ? bytes.subarray(0, length - 1) : bytes;
}
