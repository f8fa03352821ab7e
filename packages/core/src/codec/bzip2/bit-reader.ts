import { DecodeError } from '../../errors/index.js';

/** Bits of a buffer, highest first. */
export class BitReader {
  readonly #input: Buffer;
  #at: number;
  #bits = 0;
  #count = 0;

  constructor(input: Buffer, at: number) {
    this.#input = input;
    this.#at = at;
  }

  /** The next `count` bits, 24 at most. */
  read(count: number): number {
    while (this.#count < count) {
      const byte = this.#input[this.#at++];
      if (byte === undefined) throw new DecodeError('The bzip2 body is cut off');
      this.#bits = (this.#bits << 8) | byte;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#bits >>> this.#count) & ((1 << count) - 1);
  }

  /** An unsigned 32-bit number. */
  read32(): number {
    return this.read(16) * 0x10000 + this.read(16);
  }

  /** The offset of the first byte of which no bit was read. */
  get nextByte(): number {
    return this.#at - (this.#count >>> 3);
  }
}
