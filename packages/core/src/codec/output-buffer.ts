import { DecodeError, InvalidOptionError } from '../errors/index.js';

/** The error for a body that grows beyond the limit. */
export function tooLarge(maxBytes: number): DecodeError {
  return new DecodeError(`The compressed body grows beyond maxDecompressedBytes (${maxBytes})`);
}

/** Throws InvalidOptionError unless a limit is a whole number of bytes above 0. */
export function checkMaxBytes(maxBytes: number): void {
  if (Number.isSafeInteger(maxBytes) && maxBytes > 0) return;
  throw new InvalidOptionError('maxDecompressedBytes must be a whole number of bytes above 0');
}

/**
 * What a decompressor has put out so far: one buffer that grows, and that is its own window for back-references. It never grows
 * beyond the limit: {@link room} throws first.
 */
export class OutputBuffer {
  readonly #maxBytes: number;
  /** The bytes; valid below {@link length}. Changes when it grows. */
  buffer: Buffer;
  /** How many bytes have been put out. */
  length = 0;

  constructor(maxBytes: number, expectedBytes: number) {
    this.#maxBytes = maxBytes;
    this.buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(maxBytes, expectedBytes)));
  }

  /** Makes room for `size` more bytes, and gives the buffer that has it. Throws DecodeError where that is beyond the limit. */
  room(size: number): Buffer {
    const need = this.length + size;
    if (need <= this.buffer.length) return this.buffer;
    if (need > this.#maxBytes) throw tooLarge(this.#maxBytes);
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(need, this.buffer.length * 2, 1024)));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
    return larger;
  }

  /** All of it. Much slack is not kept alive. */
  take(): Buffer {
    const bytes = this.buffer.subarray(0, this.length);
    return this.length * 2 < this.buffer.length ? Buffer.from(bytes) : bytes;
  }
}
