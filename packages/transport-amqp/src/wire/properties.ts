import { DecodeError, EncodeError, type Headers, type MessageProperties } from '@kombu/core';
import { readTable } from './table-reader.js';
import { fitsShort, readUtf8, type SameText, writeShort } from './text.js';

/** The flags of the properties of AMQP 0-9-1's `basic` class, in their order on the wire. */
const FLAG = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
} as const;

/** Everything that a content header says of a message. */
export interface ContentHeader {
  contentType: string | undefined;
  contentEncoding: string | undefined;
  headers: Headers;
  properties: MessageProperties;
  /** The bytes of the header table, where they were asked for. */
  table: Buffer | undefined;
  /** The header table is malformed: why. */
  broken: DecodeError | undefined;
}

function short(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new EncodeError(`AMQP property ${name} has to be a string, not ${typeof value}`);
  if (!fitsShort(value)) throw new EncodeError(`AMQP property ${name} is longer than 255 bytes`);
  return value;
}

function octet(value: unknown, name: string): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 255) {
    throw new EncodeError(`AMQP property ${name} has to be an integer from 0 to 255`);
  }
  return value as number;
}

function seconds(value: unknown): bigint {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new EncodeError('AMQP property timestamp has to be whole seconds since 1970');
  }
  return BigInt(value as number);
}

const LATE_TEXTS = ['correlationId', 'replyTo', 'expiration', 'messageId'] as const;
const LAST_TEXTS = ['type', 'userId', 'appId', 'clusterId'] as const;

/** How many bytes {@link writeProperties} may write at most, without the header table. */
export function propertiesBound(): number {
  return 2 + 11 * 256 + 2 + 8;
}

/**
 * Writes the property flags and the properties; returns the offset after them. `table` is the encoded header table. Unset
 * properties are omitted; properties that AMQP does not have are left out.
 *
 * @throws EncodeError naming the property that cannot be sent; nothing that was written before counts then.
 */
export function writeProperties(
  buffer: Buffer,
  offset: number,
  contentType: string | undefined,
  contentEncoding: string | undefined,
  table: Buffer,
  p: MessageProperties,
): number {
  let flags: number = FLAG.headers;
  let at = offset + 2;
  if (contentType !== undefined) {
    flags |= FLAG.contentType;
    at = writeShort(buffer, short(contentType, 'contentType'), at);
  }
  if (contentEncoding !== undefined) {
    flags |= FLAG.contentEncoding;
    at = writeShort(buffer, short(contentEncoding, 'contentEncoding'), at);
  }
  buffer.set(table, at);
  at += table.length;
  if (p.deliveryMode != null) {
    flags |= FLAG.deliveryMode;
    buffer[at++] = octet(p.deliveryMode, 'deliveryMode');
  }
  if (p.priority != null) {
    flags |= FLAG.priority;
    buffer[at++] = octet(p.priority, 'priority');
  }
  for (const name of LATE_TEXTS) {
    const value = p[name];
    if (value == null) continue;
    flags |= FLAG[name];
    at = writeShort(buffer, short(value, name), at);
  }
  if (p.timestamp != null) {
    flags |= FLAG.timestamp;
    at = buffer.writeBigUInt64BE(seconds(p.timestamp), at);
  }
  for (const name of LAST_TEXTS) {
    const value = p[name];
    if (value == null) continue;
    flags |= FLAG[name];
    at = writeShort(buffer, short(value, name), at);
  }
  buffer.writeUInt16BE(flags, offset);
  return at;
}

/** What reading properties needs to be quick: the texts of the message before. */
export interface SameTexts {
  readonly contentType: SameText;
  readonly contentEncoding: SameText;
}

/**
 * Reads property flags and properties. A header table that is malformed does not fail the frame: the message says so in
 * `broken`, with no headers.
 *
 * @throws DecodeError when the properties end early, which no client can go on after.
 */
export function readProperties(
  buffer: Buffer,
  offset: number,
  end: number,
  same: SameTexts,
  keepTable = false,
): ContentHeader {
  const flags = buffer.readUInt16BE(offset);
  let at = offset + 2;
  const text = (keep?: SameText): string => {
    const from = at + 1;
    at = from + (buffer[at] as number);
    if (at > end) throw new DecodeError('malformed AMQP properties: they end early');
    return keep === undefined ? readUtf8(buffer, from, at) : keep.read(buffer, from, at);
  };
  const properties: MessageProperties = {};
  const header: ContentHeader = {
    contentType: flags & FLAG.contentType ? text(same.contentType) : undefined,
    contentEncoding: flags & FLAG.contentEncoding ? text(same.contentEncoding) : undefined,
    headers: {},
    properties,
    table: undefined,
    broken: undefined,
  };
  if (flags & FLAG.headers) {
    const from = at + 4;
    at = from + buffer.readUInt32BE(at);
    if (at > end) throw new DecodeError('malformed AMQP properties: they end early');
    if (keepTable) header.table = buffer.subarray(from - 4, at);
    try {
      if (at > from) header.headers = readTable(buffer, from, at);
    } catch (error) {
      header.broken =
        error instanceof DecodeError ? error : new DecodeError('malformed AMQP headers', { cause: error });
    }
  }
  if (flags & FLAG.deliveryMode) properties.deliveryMode = buffer[at++] as 1 | 2;
  if (flags & FLAG.priority) properties.priority = buffer[at++] as number;
  if (flags & 0x07fc) {
    for (const name of LATE_TEXTS) if (flags & FLAG[name]) properties[name] = text();
    if (flags & FLAG.timestamp) {
      properties.timestamp = Number(buffer.readBigUInt64BE(at));
      at += 8;
    }
    for (const name of LAST_TEXTS) if (flags & FLAG[name]) properties[name] = text();
  }
  if (at > end) throw new DecodeError('malformed AMQP properties: they end early');
  return header;
}
