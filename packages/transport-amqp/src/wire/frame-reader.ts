import { DecodeError } from '@kombu/core';
import type { ContentHeaderFrame, RawConnection } from '../driver/amqplib.js';
import {
  BASIC_ACK,
  BASIC_DELIVER,
  BASIC_NACK,
  BASIC_RETURN,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FRAME_OVERHEAD,
} from './frames.js';
import { type ContentHeader, readProperties } from './properties.js';
import { readUtf8, SameText } from './text.js';

/** `basic.deliver` without the consumer tag: a channel has one consumer. */
export interface Deliver {
  readonly tag: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
}

/** `basic.return`. */
export interface Return {
  readonly replyCode: number;
  readonly replyText: string;
  readonly exchange: string;
  readonly routingKey: string;
}

/** Takes what the broker sends on one channel, in order. Nothing here may throw. */
export interface Sink {
  delivered?(method: Deliver, header: ContentHeader, body: Buffer): void;
  returned?(method: Return, header: ContentHeader, body: Buffer): void;
  /** Publishes up to (`multiple`) or at `tag` were taken by the broker, or refused. */
  confirmed?(tag: number, multiple: boolean, taken: boolean): void;
}

const NOTHING = Buffer.alloc(0);
const HEADER = Symbol('content header');

/** Properties in amqplib's flat form, with ours kept beside for {@link contentHeader}. */
function amqplibFields(header: ContentHeader): object {
  const { contentType, contentEncoding, headers, properties } = header;
  const fields = { contentType, contentEncoding, headers, ...properties };
  Object.defineProperty(fields, HEADER, { value: header });
  return fields;
}

/** The content header of a message that came by way of amqplib, over a connection of ours. */
export function contentHeader(amqplibProperties: object): ContentHeader {
  return (amqplibProperties as { [HEADER]: ContentHeader })[HEADER];
}

/** What a channel is in the middle of receiving. */
class Assembly {
  readonly sink: Sink;
  readonly exchange = new SameText();
  readonly routingKey = new SameText();
  deliver: Deliver | undefined;
  returned: Return | undefined;
  header: ContentHeader | undefined;
  missing = 0;
  parts: Buffer[] = [];

  constructor(sink: Sink) {
    this.sink = sink;
  }

  begin(header: ContentHeader, size: number): void {
    this.header = header;
    this.missing = size;
    if (size === 0) this.#end(NOTHING);
  }

  body(part: Buffer): void {
    this.missing -= part.length;
    if (this.missing > 0) {
      this.parts.push(part);
      return;
    }
    if (this.missing < 0) throw new DecodeError('the broker sent more body than it announced');
    let whole = part;
    if (this.parts.length > 0) {
      this.parts.push(part);
      whole = Buffer.concat(this.parts);
      this.parts = [];
    }
    this.#end(whole);
  }

  #end(body: Buffer): void {
    const { deliver, returned, header } = this;
    this.deliver = undefined;
    this.returned = undefined;
    this.header = undefined;
    if (header === undefined) throw new DecodeError('the broker sent a body without a header');
    if (deliver !== undefined) this.sink.delivered?.(deliver, header, body);
    else if (returned !== undefined) this.sink.returned?.(returned, header, body);
  }
}

/**
 * Reads the frames of one connection in place of amqplib's own reader: messages, returns and confirms of the channels that
 * have a sink are decoded here and never become amqplib's; every other frame is handed on to it. Content headers are decoded
 * with our own table reader in either case, because amqplib ends the connection on the codes that Python writes.
 */
export class FrameReader {
  readonly #raw: RawConnection;
  readonly #recvFrame: () => unknown;
  readonly #channels = new Map<number, Assembly>();
  readonly #same = { contentType: new SameText(), contentEncoding: new SameText() };
  #chunks: Buffer[] = [];
  #waiting = 0;
  #needed = FRAME_OVERHEAD;
  #buffer: Buffer;
  #at = 0;

  /** Takes over from amqplib, once its handshake is done. */
  constructor(raw: RawConnection) {
    this.#raw = raw;
    this.#recvFrame = raw.recvFrame.bind(raw);
    this.#buffer = raw.rest;
    raw.rest = NOTHING;
    raw.recvFrame = () => this.#next();
  }

  /** From now on this channel's messages, returns and confirms go to `sink`. */
  add(channel: number, sink: Sink): void {
    this.#channels.set(channel, new Assembly(sink));
  }

  remove(channel: number): void {
    this.#channels.delete(channel);
  }

  /** Handles our own frames until there is one for amqplib, which is returned, or no whole frame, which is false. */
  #next(): unknown {
    for (;;) {
      const size = this.#frame();
      if (size < 0) {
        if (!this.#read()) return false;
        continue;
      }
      const start = this.#at;
      this.#at = start + size + FRAME_OVERHEAD;
      const foreign = this.#handle(start, size);
      if (foreign !== undefined) return foreign;
    }
  }

  /** The payload size of the next frame, or -1 when it is not here as a whole. */
  #frame(): number {
    const available = this.#buffer.length - this.#at;
    if (available < FRAME_OVERHEAD) {
      this.#needed = FRAME_OVERHEAD;
      return -1;
    }
    const size = this.#buffer.readUInt32BE(this.#at + 3);
    const max = this.#raw.maxFrameSize;
    if (max > 0 && size > max)
      throw new DecodeError(`the broker announced a frame of ${size} bytes; ${max} are allowed`);
    if (available < size + FRAME_OVERHEAD) {
      this.#needed = size + FRAME_OVERHEAD;
      return -1;
    }
    if (this.#buffer[this.#at + 7 + size] !== FRAME_END) throw new DecodeError('malformed AMQP frame');
    return size;
  }

  /** Reads the socket until the bytes that are needed are there; false when it has no more now. */
  #read(): boolean {
    if (this.#waiting === 0 && this.#at < this.#buffer.length) {
      this.#chunks.push(this.#buffer.subarray(this.#at));
      this.#waiting = this.#buffer.length - this.#at;
    }
    this.#buffer = NOTHING;
    this.#at = 0;
    do {
      const chunk = this.#raw.stream.read() as Buffer | null;
      if (chunk === null) return false;
      this.#raw.recvSinceLastCheck = true;
      this.#chunks.push(chunk);
      this.#waiting += chunk.length;
    } while (this.#waiting < this.#needed);
    const [only] = this.#chunks;
    this.#buffer = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks, this.#waiting);
    this.#chunks = [];
    this.#waiting = 0;
    return true;
  }

  #handle(start: number, size: number): unknown {
    const buffer = this.#buffer;
    const channel = buffer.readUInt16BE(start + 1);
    const payload = start + 7;
    const assembly = this.#channels.get(channel);
    switch (buffer[start]) {
      case FRAME_BODY:
        if (assembly?.header === undefined) break;
        assembly.body(buffer.subarray(payload, payload + size));
        return undefined;
      case FRAME_HEADER: {
        const header = readProperties(
          buffer,
          payload + 12,
          payload + size,
          this.#same,
          assembly?.returned !== undefined,
        );
        const bodySize = buffer.readUInt32BE(payload + 4) * 0x100000000 + buffer.readUInt32BE(payload + 8);
        if (assembly?.deliver === undefined && assembly?.returned === undefined) {
          return { id: 60, channel, size: bodySize, fields: amqplibFields(header) } satisfies ContentHeaderFrame;
        }
        assembly.begin(header, bodySize);
        return undefined;
      }
      case FRAME_METHOD:
        if (assembly !== undefined && this.#method(assembly, buffer.readUInt32BE(payload), payload + 4))
          return undefined;
        break;
      case FRAME_HEARTBEAT:
        return undefined;
    }
    this.#raw.rest = buffer.subarray(start, payload + size + 1);
    return this.#recvFrame();
  }

  #method(assembly: Assembly, method: number, at: number): boolean {
    const buffer = this.#buffer;
    switch (method) {
      case BASIC_DELIVER: {
        if (assembly.sink.delivered === undefined) return false;
        const tagAt = at + 1 + (buffer[at] as number);
        const exchangeAt = tagAt + 9;
        const keyAt = exchangeAt + 1 + (buffer[exchangeAt] as number);
        assembly.deliver = {
          tag: buffer.readUInt32BE(tagAt) * 0x100000000 + buffer.readUInt32BE(tagAt + 4),
          redelivered: ((buffer[tagAt + 8] as number) & 1) !== 0,
          exchange: assembly.exchange.read(buffer, exchangeAt + 1, keyAt),
          routingKey: assembly.routingKey.read(buffer, keyAt + 1, keyAt + 1 + (buffer[keyAt] as number)),
        };
        return true;
      }
      case BASIC_RETURN: {
        if (assembly.sink.returned === undefined) return false;
        const exchangeAt = at + 3 + (buffer[at + 2] as number);
        const keyAt = exchangeAt + 1 + (buffer[exchangeAt] as number);
        assembly.returned = {
          replyCode: buffer.readUInt16BE(at),
          replyText: readUtf8(buffer, at + 3, exchangeAt),
          exchange: readUtf8(buffer, exchangeAt + 1, keyAt),
          routingKey: readUtf8(buffer, keyAt + 1, keyAt + 1 + (buffer[keyAt] as number)),
        };
        return true;
      }
      case BASIC_ACK:
      case BASIC_NACK: {
        if (assembly.sink.confirmed === undefined) return false;
        const tag = buffer.readUInt32BE(at) * 0x100000000 + buffer.readUInt32BE(at + 4);
        assembly.sink.confirmed(tag, ((buffer[at + 8] as number) & 1) !== 0, method === BASIC_ACK);
        return true;
      }
      default:
        return false;
    }
  }
}
