/** Below this length a loop over the characters beats a call into the native encoder (measured on Node 20). */
const LOOP_UP_TO = 24;

/** Writes `text` as UTF-8 at `offset`, where at least `3 * text.length` bytes must be free; returns the offset after it. */
export function writeUtf8(buffer: Buffer, text: string, offset: number): number {
  const length = text.length;
  if (length > LOOP_UP_TO) return offset + buffer.write(text, offset, 'utf8');
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return offset + buffer.write(text, offset, 'utf8');
    buffer[offset + i] = code;
  }
  return offset + length;
}

/** Reads UTF-8 from `start` to `end`. */
export function readUtf8(buffer: Buffer, start: number, end: number): string {
  if (end - start > LOOP_UP_TO) return buffer.toString('utf8', start, end);
  let text = '';
  for (let i = start; i < end; i++) {
    const code = buffer[i] as number;
    if (code > 0x7f) return buffer.toString('utf8', start, end);
    text += String.fromCharCode(code);
  }
  return text;
}

/** Writes a short string (one byte of length) that was checked with {@link fitsShort}; returns the offset after it. */
export function writeShort(buffer: Buffer, text: string, offset: number): number {
  const end = writeUtf8(buffer, text, offset + 1);
  buffer[offset] = end - offset - 1;
  return end;
}

/** Whether `text` is at most 255 bytes of UTF-8, as short strings have to be. */
export function fitsShort(text: string): boolean {
  return text.length <= 85 || (text.length <= 255 && Buffer.byteLength(text) <= 255);
}

/**
 * Keeps the text last read at one place, for values that are the same in message after message (an exchange, a content
 * type): comparing bytes is cheaper than making a string.
 */
export class SameText {
  #text = '';
  #bytes: Buffer = Buffer.alloc(0);

  read(buffer: Buffer, start: number, end: number): string {
    const bytes = this.#bytes;
    const length = end - start;
    let same = length === bytes.length;
    for (let i = 0; same && i < length; i++) same = bytes[i] === buffer[start + i];
    if (same) return this.#text;
    this.#bytes = Buffer.from(buffer.subarray(start, end));
    this.#text = readUtf8(buffer, start, end);
    return this.#text;
  }
}
