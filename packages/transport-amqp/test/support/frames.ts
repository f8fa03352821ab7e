import { PassThrough } from 'node:stream';
import type { RawConnection } from '../../src/driver/amqplib.js';

/** A frame, byte by byte. */
export function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head[0] = type;
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

export function short(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

export function method(channel: number, classId: number, methodId: number, ...args: Buffer[]): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt16BE(classId, 0);
  id.writeUInt16BE(methodId, 2);
  return frame(1, channel, Buffer.concat([id, ...args]));
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** The frames of a message to a consumer, its body cut into parts. */
export function deliver(
  channel: number,
  tag: number,
  key: string,
  parts: readonly Buffer[],
  properties?: Buffer,
): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([
    method(channel, 60, 60, short('consumer'), uint64(tag), Buffer.from([tag % 2]), short('exchange'), short(key)),
    frame(2, channel, Buffer.concat([Buffer.from([0, 60, 0, 0]), uint64(size), properties ?? Buffer.from([0, 0])])),
    ...parts.map((part) => frame(3, channel, part)),
  ]);
}

/** An amqplib connection as far as the frame reader sees one; `foreign` is what was handed on to it. */
export function fakeConnection(): RawConnection & {
  readonly foreign: Buffer[];
  readonly input: PassThrough;
  pump(): unknown[];
} {
  const input = new PassThrough();
  const foreign: Buffer[] = [];
  return {
    stream: input,
    input,
    foreign,
    rest: Buffer.alloc(0),
    recvFrame() {
      foreign.push(this.rest);
      this.rest = Buffer.alloc(0);
      return { handedOn: true };
    },
    recvSinceLastCheck: false,
    sentSinceLastCheck: false,
    heartbeat: 0,
    frameMax: 131072,
    maxFrameSize: 1024 * 1024,
    channelMax: 10,
    blocked: false,
    serverProperties: {},
    pump() {
      const frames: unknown[] = [];
      for (let next = this.recvFrame(); next !== false; next = this.recvFrame()) frames.push(next);
      return frames;
    },
  };
}
