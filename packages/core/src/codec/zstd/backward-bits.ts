import { DecodeError } from '../../errors/index.js';

/** Bits of a stream that is read from its end, the way Zstandard's entropy coders write it. */
export class BackwardBits {
  readonly #bytes: Buffer;
  /** How many bits are left. Below 0 once more was read than there was; those bits are zeros. */
  rest: number;

  /** The last byte's highest set bit marks the end. */
  constructor(bytes: Buffer) {
    const last = bytes[bytes.length - 1];
    if (last === undefined || last === 0) throw new DecodeError('The zstd body is malformed');
    this.#bytes = bytes;
    this.rest = bytes.length * 8 - Math.clz32(last) + 23;
  }

  /** The next `count` bits, 24 at most. */
  read(count: number): number {
    this.rest -= count;
    return this.#at(this.rest, count);
  }

  /** The next `count` bits, 32 at most, as an unsigned number. */
  readLong(count: number): number {
    if (count <= 16) return this.read(count);
    const high = this.read(count - 16);
    return high * 0x10000 + this.read(16);
  }

  /** The next `count` bits, without taking them. */
  peek(count: number): number {
    return this.#at(this.rest - count, count);
  }

  #at(bit: number, count: number): number {
    if (bit < 0) return bit + count <= 0 ? 0 : this.#at(0, bit + count) << -bit;
    const bytes = this.#bytes;
    const at = bit >>> 3;
    const word =
      (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    return (word >>> (bit & 7)) & ((1 << count) - 1);
  }
}
