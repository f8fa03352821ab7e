const DESCRIPTOR_AT = 4;
const SIZE_AT = 6;

/**
 * A frame that says how large its content is, as Python's one-shot decompressor needs it. A frame that was written as a stream
 * does not; then four bytes are put into its header (RFC 8878, section 3.1.1.1.1).
 */
export function withContentSize(frame: Buffer, contentBytes: number): Buffer {
  const descriptor = frame[DESCRIPTOR_AT] as number;
  const hasSize = descriptor >> 6 !== 0 || (descriptor & 0x20) !== 0;
  const hasDictionary = (descriptor & 3) !== 0;
  if (hasSize || hasDictionary) return frame;
  const sized = Buffer.allocUnsafe(frame.length + 4);
  frame.copy(sized, 0, 0, SIZE_AT);
  sized[DESCRIPTOR_AT] = descriptor | 0x80;
  sized.writeUInt32LE(contentBytes, SIZE_AT);
  frame.copy(sized, SIZE_AT + 4, SIZE_AT);
  return sized;
}
