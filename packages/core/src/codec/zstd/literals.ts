import { DecodeError } from '../../errors/index.js';
import { decodeStream, type HuffmanTable, readHuffman } from './huffman.js';

/** The literals of a block, and where its sequences begin. */
export interface Literals {
  readonly bytes: Buffer;
  readonly end: number;
  /** The table they were coded with, for a later block that has none. */
  readonly table: HuffmanTable | undefined;
}

/** Reads the literals section (RFC 8878, section 3.1.1.3.1): raw, one byte repeated, or Huffman-coded in one or four streams. */
export function readLiterals(block: Buffer, maxBytes: number, previous: HuffmanTable | undefined): Literals {
  const kind = (block[0] as number) & 3;
  const format = ((block[0] as number) >> 2) & 3;
  return kind < 2
    ? readPlain(block, kind, format, maxBytes, previous)
    : readCoded(block, kind, format, maxBytes, previous);
}

function readPlain(
  block: Buffer,
  kind: number,
  format: number,
  maxBytes: number,
  table: HuffmanTable | undefined,
): Literals {
  const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1;
  const header = headerOf(block, headerBytes);
  const size = header >>> (headerBytes === 1 ? 3 : 4);
  const end = headerBytes + (kind === 0 ? size : 1);
  if (size > maxBytes || end > block.length) throw malformed();
  const bytes = kind === 0 ? block.subarray(headerBytes, end) : Buffer.alloc(size, block[headerBytes]);
  return { bytes, end, table };
}

function readCoded(
  block: Buffer,
  kind: number,
  format: number,
  maxBytes: number,
  previous: HuffmanTable | undefined,
): Literals {
  const headerBytes = format === 3 ? 5 : format === 2 ? 4 : 3;
  const width = format === 3 ? 18 : format === 2 ? 14 : 10;
  const header = headerOf(block, headerBytes);
  const size = Math.floor(header / 16) % 2 ** width;
  const end = headerBytes + Math.floor(header / 2 ** (4 + width));
  if (size > maxBytes || end > block.length) throw malformed();
  const section = block.subarray(0, end);
  const read = kind === 2 ? readHuffman(section, headerBytes) : { table: previous, end: headerBytes };
  if (read.table === undefined) throw malformed();
  const bytes = Buffer.allocUnsafe(size);
  if (format === 0) decodeStream(read.table, section.subarray(read.end), bytes);
  else decodeFour(read.table, section.subarray(read.end), bytes);
  return { bytes, end, table: read.table };
}

/** Four streams of a quarter each; the sizes of the first three stand before them. */
function decodeFour(table: HuffmanTable, section: Buffer, bytes: Buffer): void {
  const quarter = (bytes.length + 3) >> 2;
  if (section.length < 6 || quarter * 3 > bytes.length) throw malformed();
  let at = 6;
  for (let i = 0; i < 4; i++) {
    const end = i < 3 ? at + section.readUInt16LE(i * 2) : section.length;
    if (end > section.length) throw malformed();
    decodeStream(
      table,
      section.subarray(at, end),
      bytes.subarray(i * quarter, i < 3 ? (i + 1) * quarter : bytes.length),
    );
    at = end;
  }
}

function headerOf(block: Buffer, bytes: number): number {
  if (block.length < bytes) throw malformed();
  return block.readUIntLE(0, bytes);
}

function malformed(): DecodeError {
  return new DecodeError('The zstd body is malformed');
}
