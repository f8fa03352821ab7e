/** The reflected polynomial of CRC-64/XZ (ECMA-182), by 32-bit halves. */
const POLYNOMIAL_HIGH = 0xc96c5795;
const POLYNOMIAL_LOW = 0xd7870f42;

/** The table for one byte at a time: high halves, then low halves. */
function table(): Uint32Array {
  const entries = new Uint32Array(512);
  for (let i = 0; i < 256; i++) {
    let high = 0;
    let low = i;
    for (let bit = 0; bit < 8; bit++) {
      const carry = low & 1;
      low = (low >>> 1) | ((high & 1) << 31);
      high >>>= 1;
      if (carry === 1) {
        high ^= POLYNOMIAL_HIGH;
        low ^= POLYNOMIAL_LOW;
      }
    }
    entries[i] = high;
    entries[256 + i] = low;
  }
  return entries;
}

const TABLE = table();

/** The CRC-64/XZ of bytes as they are stored: 8 bytes, lowest first. Goes on after `steps` of 64 KiB. */
export function* crc64(bytes: Buffer): Generator<void, Buffer> {
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    const index = (low ^ (bytes[i] as number)) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (TABLE[256 + index] as number);
    high = (high >>> 8) ^ (TABLE[index] as number);
    if ((i & 0xffff) === 0xffff) yield;
  }
  const stored = Buffer.alloc(8);
  stored.writeUInt32LE(~low >>> 0, 0);
  stored.writeUInt32LE(~high >>> 0, 4);
  return stored;
}
