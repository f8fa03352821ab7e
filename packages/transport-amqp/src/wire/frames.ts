import { EncodeError, InvalidOptionError, type Route, UndeliverableError, type WireMessage } from '@kombu/core';
import type { Output } from './output.js';
import { propertiesBound, writeProperties } from './properties.js';
import type { TableWriter } from './table-writer.js';
import { fitsShort, writeShort } from './text.js';

/** Bytes of a frame around its payload: type, channel, size, end. */
export const FRAME_OVERHEAD = 8;
/** The last byte of every frame. */
export const FRAME_END = 0xce;

/** Frame types of AMQP 0-9-1. */
export const FRAME_METHOD = 1;
export const FRAME_HEADER = 2;
export const FRAME_BODY = 3;
export const FRAME_HEARTBEAT = 8;

const BASIC = 60;
/** Methods of the `basic` class, as class and method in one 32-bit number. */
export const BASIC_PUBLISH = (BASIC << 16) | 40;
export const BASIC_RETURN = (BASIC << 16) | 50;
export const BASIC_DELIVER = (BASIC << 16) | 60;
export const BASIC_ACK = (BASIC << 16) | 80;
export const BASIC_REJECT = (BASIC << 16) | 90;
export const BASIC_NACK = (BASIC << 16) | 120;

function head(buffer: Buffer, type: number, channel: number, size: number, at: number): number {
  buffer[at] = type;
  buffer[at + 1] = channel >> 8;
  buffer[at + 2] = channel;
  return buffer.writeUInt32BE(size, at + 3);
}

/**
 * Writes a message as the frames of `basic.publish`: method, content header, body.
 *
 * @throws EncodeError, InvalidOptionError or UndeliverableError MESSAGE_TOO_LARGE (headers that do not fit in a frame) when
 * it cannot be sent; nothing is written then.
 */
export function writePublish(
  output: Output,
  tables: TableWriter,
  channel: number,
  frameMax: number,
  message: WireMessage,
  route: Route,
): void {
  const { body, headers } = message;
  if (!fitsShort(route.exchange)) throw new InvalidOptionError('exchange: longer than 255 bytes');
  if (!fitsShort(route.routingKey)) throw new InvalidOptionError('routingKey: longer than 255 bytes');
  const table = tables.encode(headers);
  const maxBody = frameMax - FRAME_OVERHEAD;
  const frames = Math.ceil(body.length / maxBody);
  output.reserve(600 + propertiesBound() + table.length + body.length + frames * FRAME_OVERHEAD);
  const buffer = output.buffer;
  const start = output.at;

  let at = start + 7;
  at = buffer.writeUInt32BE(BASIC_PUBLISH, at);
  at = buffer.writeUInt16BE(0, at);
  at = writeShort(buffer, route.exchange, at);
  at = writeShort(buffer, route.routingKey, at);
  buffer[at++] = route.mandatory ? 1 : 0;
  head(buffer, FRAME_METHOD, channel, at - start - 7, start);
  buffer[at++] = FRAME_END;

  const header = at;
  at = buffer.writeUInt32BE(BASIC << 16, header + 7); // class and weight
  at = buffer.writeUInt32BE(Math.floor(body.length / 0x100000000), at);
  at = buffer.writeUInt32BE(body.length >>> 0, at);
  at = writeProperties(buffer, at, message.contentType, message.contentEncoding, table, message.properties);
  if (at - header - 7 > maxBody) {
    throw new UndeliverableError(
      'MESSAGE_TOO_LARGE',
      `the headers and properties take ${at - header - 7} bytes, and one frame of this broker holds ${maxBody}`,
    );
  }
  head(buffer, FRAME_HEADER, channel, at - header - 7, header);
  buffer[at++] = FRAME_END;

  for (let from = 0; from < body.length; from += maxBody) {
    const part = frames === 1 ? body : body.subarray(from, from + maxBody);
    at = head(buffer, FRAME_BODY, channel, part.length, at);
    buffer.set(part, at);
    at += part.length;
    buffer[at++] = FRAME_END;
  }
  output.commit(at);
}

function settlement(output: Output, method: number, channel: number, tag: number): number {
  output.reserve(24);
  const buffer = output.buffer;
  let at = head(buffer, FRAME_METHOD, channel, 13, output.at);
  at = buffer.writeUInt32BE(method, at);
  at = buffer.writeUInt32BE(Math.floor(tag / 0x100000000), at);
  return buffer.writeUInt32BE(tag >>> 0, at);
}

/** Writes `basic.ack`; `multiple`: of everything up to and including `tag`. */
export function writeAck(output: Output, channel: number, tag: number, multiple: boolean): void {
  const at = settlement(output, BASIC_ACK, channel, tag);
  output.buffer[at] = multiple ? 1 : 0;
  output.buffer[at + 1] = FRAME_END;
  output.commit(at + 2);
}

/** Writes `basic.reject` of one delivery. */
export function writeReject(output: Output, channel: number, tag: number, requeue: boolean): void {
  const at = settlement(output, BASIC_REJECT, channel, tag);
  output.buffer[at] = requeue ? 1 : 0;
  output.buffer[at + 1] = FRAME_END;
  output.commit(at + 2);
}

/** Why a body cannot be kept for sending; undefined when it can. */
export function checkBytes(body: unknown): EncodeError | undefined {
  return body instanceof Uint8Array ? undefined : new EncodeError('a message body has to be bytes at this level');
}
