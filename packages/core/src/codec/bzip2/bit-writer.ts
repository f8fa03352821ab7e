import { ByteWriter } from '../byte-writer.js';

/** Bits into bytes, highest first. */
export class BitWriter {
  readonly #out = new ByteWriter();
  #bits = 0;
  #count = 0;

  /** Writes the low `count` bits of a value, 24 at most. */
  write(value: number, count: number): void {
    this.#bits = (this.#bits << count) | value;
    this.#count += count;
    while (this.#count >= 8) {
      this.#count -= 8;
      this.#out.u8((this.#bits >>> this.#count) & 0xff);
    }
    this.#bits &= (1 << this.#count) - 1;
  }

  /** An unsigned 32-bit number. */
  write32(value: number): void {
    this.write(value >>> 16, 16);
    this.write(value & 0xffff, 16);
  }

  /** Fills up the last byte, and gives all of them. */
  take(): Buffer {
    if (this.#count > 0) this.write(0, 8 - this.#count);
    return this.#out.take();
  }
}
