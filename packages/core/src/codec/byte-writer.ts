/** Bytes that are written one after another into a buffer that grows. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  /** Makes room for `size` bytes and gives the buffer and the offset to write them at. */
  reserve(size: number): [buffer: Buffer, at: number] {
    this.#room(size);
    const at = this.#length;
    this.#length += size;
    return [this.#buffer, at];
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** What has been written. The writer must not be used after this. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #room(size: number): void {
    const need = this.#length + size;
    if (need <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(need, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
