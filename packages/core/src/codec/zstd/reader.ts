import { DecodeError } from '../../errors/index.js';
import { OutputBuffer, tooLarge } from '../output-buffer.js';
import { decodeBlock, FrameState } from './block.js';

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;

interface FrameHeader {
  readonly contentBytes: number | undefined;
  readonly windowBytes: number;
  readonly hasChecksum: boolean;
  readonly end: number;
}

/**
 * Decodes Zstandard frames (RFC 8878), one after another; skippable ones are skipped. The optional content checksum is not
 * compared. Node's own decoder, where there is one, takes a frame that is cut off for an empty one, and stops after the first.
 */
export function* readZstd(body: Buffer, maxBytes: number): Generator<void, Buffer> {
  let out: OutputBuffer | undefined;
  let at = 0;
  do {
    if (body.length < at + 8) throw cutOff();
    const magic = body.readUInt32LE(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + body.readUInt32LE(at + 4);
      if (at > body.length) throw cutOff();
      continue;
    }
    if (magic !== MAGIC) throw new DecodeError('The body is not zstd');
    const header = readHeader(body, at + 4);
    if (header.contentBytes !== undefined && header.contentBytes > maxBytes) throw tooLarge(maxBytes);
    out ??= new OutputBuffer(maxBytes, Math.min(header.contentBytes ?? 0, body.length * 64) || body.length * 4);
    at = yield* readFrame(body, header, out);
  } while (at < body.length);
  return out === undefined ? Buffer.alloc(0) : out.take();
}

/** The frame header after the magic number. */
function readHeader(body: Buffer, start: number): FrameHeader {
  const descriptor = body[start] as number;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const windowEnd = start + 1 + (isSingleSegment ? 0 : 1);
  const sizeStart = windowEnd + dictionaryBytes;
  const end = sizeStart + sizeBytes;
  if (end > body.length) throw cutOff();
  if ((descriptor & 8) !== 0) throw malformed();
  if (dictionaryBytes > 0 && body.readUIntLE(windowEnd, dictionaryBytes) !== 0) {
    throw new DecodeError('The zstd body needs a dictionary, which is not supported');
  }
  const contentBytes = sizeBytes === 0 ? undefined : readSize(body, sizeStart, sizeBytes);
  const window = body[start + 1] as number;
  const windowBase = 2 ** (10 + (window >> 3));
  const windowBytes = isSingleSegment ? (contentBytes as number) : windowBase + (windowBase / 8) * (window & 7);
  return { contentBytes, windowBytes, hasChecksum: (descriptor & 4) !== 0, end };
}

function readSize(body: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(body.readBigUInt64LE(at));
  return body.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}

function* readFrame(body: Buffer, header: FrameHeader, out: OutputBuffer): Generator<void, number> {
  const frame = new FrameState(out, Math.min(MAX_BLOCK_BYTES, header.windowBytes));
  let at = header.end;
  for (let isLast = false; !isLast; ) {
    if (at + 3 > body.length) throw cutOff();
    const blockHeader = body.readUIntLE(at, 3);
    isLast = (blockHeader & 1) === 1;
    const kind = (blockHeader >> 1) & 3;
    const size = blockHeader >>> 3;
    const start = at + 3;
    at = start + (kind === 1 ? 1 : size);
    if (size > frame.maxBlockBytes || kind === 3) throw malformed();
    if (at > body.length) throw cutOff();
    if (kind === 2) {
      decodeBlock(body.subarray(start, at), frame);
    } else {
      const buffer = out.room(size);
      if (kind === 0) body.copy(buffer, out.length, start, at);
      else buffer.fill(body[start] as number, out.length, out.length + size);
      out.length += size;
    }
    yield;
  }
  if (header.contentBytes !== undefined && header.contentBytes !== out.length - frame.start) throw malformed();
  if (header.hasChecksum) at += 4;
  if (at > body.length) throw cutOff();
  return at;
}

function malformed(): DecodeError {
  return new DecodeError('The zstd body is malformed');
}

function cutOff(): DecodeError {
  return new DecodeError('The zstd body is cut off');
}
