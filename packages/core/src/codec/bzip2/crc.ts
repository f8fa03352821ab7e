/** bzip2's CRC: CRC-32 with the polynomial 0x04c11db7, highest bit first. */
function table(): Int32Array {
  const entries = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    entries[i] = crc;
  }
  return entries;
}

const TABLE = table();

/** The running CRC of an empty block. */
export const EMPTY_CRC = -1;

/** The running CRC with one more byte. */
export function crcByte(crc: number, byte: number): number {
  return (crc << 8) ^ (TABLE[(crc >>> 24) ^ byte] as number);
}

/** What is stored for a running CRC, unsigned. */
export function finishCrc(crc: number): number {
  return ~crc >>> 0;
}

/** The CRC of a stream with one more block. */
export function combineCrc(stream: number, block: number): number {
  return (((stream << 1) | (stream >>> 31)) ^ block) >>> 0;
}
