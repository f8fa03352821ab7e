import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { DecodeError, EncodeError, InvalidOptionError, UndeliverableError, type WireMessage } from '@kombu/core';
import fc from 'fast-check';
import { contentHeader, type Deliver, FrameReader, type Sink } from '../src/wire/frame-reader.js';
import { writeAck, writePublish, writeReject } from '../src/wire/frames.js';
import { Output } from '../src/wire/output.js';
import type { ContentHeader } from '../src/wire/properties.js';
import { TableWriter } from '../src/wire/table-writer.js';
import { deliver, fakeConnection, frame, method, short, uint64 } from './support/frames.js';

const bytes = (n: number, value = 97): Buffer => Buffer.alloc(n, value);

interface Seen {
  readonly channel: number;
  readonly tag: number;
  readonly key: string;
  readonly body: string;
}

function recording(channel: number, seen: Seen[]): Sink {
  return {
    delivered(m: Deliver, _: ContentHeader, body: Buffer) {
      seen.push({ channel, tag: m.tag, key: m.routingKey, body: body.toString() });
    },
  };
}

describe('reading frames', () => {
  it('puts messages together, however the bytes are cut', () => {
    const all = Buffer.concat([
      deliver(1, 1, 'a', [bytes(3), bytes(5, 98)]),
      frame(8, 0, Buffer.alloc(0)),
      deliver(2, 1, 'b', []),
      method(7, 20, 41),
      deliver(1, 2, 'a', [bytes(10)]),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: all.length }), { maxLength: 12 }), (cuts) => {
        const raw = fakeConnection();
        const reader = new FrameReader(raw);
        const seen: Seen[] = [];
        reader.add(1, recording(1, seen));
        reader.add(2, recording(2, seen));
        const edges = [...new Set([0, ...cuts, all.length])].sort((a, b) => a - b);
        for (let i = 1; i < edges.length; i++) {
          raw.input.write(all.subarray(edges[i - 1], edges[i]));
          raw.pump();
        }
        expect(seen).toEqual([
          { channel: 1, tag: 1, key: 'a', body: 'aaabbbbb' },
          { channel: 2, tag: 1, key: 'b', body: '' },
          { channel: 1, tag: 2, key: 'a', body: 'aaaaaaaaaa' },
        ]);
        expect(raw.foreign.map((f) => f.toString('hex'))).toEqual([method(7, 20, 41).toString('hex')]);
        expect(raw.recvSinceLastCheck).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps messages of different channels apart when their frames are mixed', () => {
    const raw = fakeConnection();
    const reader = new FrameReader(raw);
    const seen: Seen[] = [];
    reader.add(1, recording(1, seen));
    reader.add(2, recording(2, seen));
    const split = (all: Buffer): Buffer[] => {
      const parts: Buffer[] = [];
      for (let at = 0; at < all.length; ) {
        const end = at + all.readUInt32BE(at + 3) + 8;
        parts.push(all.subarray(at, end));
        at = end;
      }
      return parts;
    };
    const one = split(deliver(1, 5, 'k1', [bytes(2), bytes(2)]));
    const two = split(deliver(2, 6, 'k2', [bytes(1, 98), bytes(1, 99)]));
    for (let i = 0; i < 4; i++) raw.input.write(Buffer.concat([one[i] as Buffer, two[i] as Buffer]));
    raw.pump();
    expect(seen).toEqual([
      { channel: 1, tag: 5, key: 'k1', body: 'aaaa' },
      { channel: 2, tag: 6, key: 'k2', body: 'bc' },
    ]);
  });

  it('reads returns and confirms', () => {
    const raw = fakeConnection();
    const reader = new FrameReader(raw);
    const seen: unknown[] = [];
    reader.add(3, {
      returned: (m, _, body) => seen.push([m.replyCode, m.replyText, m.exchange, m.routingKey, body.toString()]),
      confirmed: (tag, multiple, taken) => seen.push([tag, multiple, taken]),
    });
    raw.input.write(
      Buffer.concat([
        method(3, 60, 50, Buffer.from([1, 56]), short('NO_ROUTE'), short('ex'), short('key')),
        frame(2, 3, Buffer.concat([Buffer.from([0, 60, 0, 0]), uint64(2), Buffer.from([0, 0])])),
        frame(3, 3, bytes(2)),
        method(3, 60, 80, uint64(7), Buffer.from([1])),
        method(3, 60, 80, uint64(2 ** 40), Buffer.from([0])),
        method(3, 60, 120, uint64(8), Buffer.from([2])),
      ]),
    );
    expect(raw.pump()).toEqual([]);
    expect(seen).toEqual([
      [312, 'NO_ROUTE', 'ex', 'key', 'aa'],
      [7, true, true],
      [2 ** 40, false, true],
      [8, false, false],
    ]);
  });

  it("decodes the headers of amqplib's own messages too", () => {
    const raw = fakeConnection();
    new FrameReader(raw);
    const table = Buffer.from('00000012016e4c0000000100000000016249' + '00000001', 'hex');
    const flags = Buffer.from([0x20, 0]);
    raw.input.write(frame(2, 4, Buffer.concat([Buffer.from([0, 60, 0, 0]), uint64(9), flags, table])));
    const [header] = raw.pump() as [{ id: number; channel: number; size: number; fields: object }];
    expect(header).toMatchObject({ id: 60, channel: 4, size: 9 });
    expect(contentHeader(header.fields).headers).toEqual({ n: 2 ** 32, b: 1 });
  });

  it('gives a message with malformed headers an error instead of no headers', () => {
    const raw = fakeConnection();
    const reader = new FrameReader(raw);
    const headers: ContentHeader[] = [];
    reader.add(1, { delivered: (_, header) => headers.push(header) });
    const table = Buffer.from('000000030161ff', 'hex');
    raw.input.write(deliver(1, 1, 'k', [bytes(1)], Buffer.concat([Buffer.from([0x20, 0]), table])));
    raw.pump();
    expect(headers[0]?.broken).toBeInstanceOf(DecodeError);
  });

  it('ends the connection on what is no frame, and on one that is announced too large', () => {
    for (const bad of [
      Buffer.concat([frame(1, 1, bytes(4)).subarray(0, -1), bytes(1)]),
      Buffer.from('0100017fffffff00', 'hex'),
    ]) {
      const raw = fakeConnection();
      new FrameReader(raw);
      raw.input.write(bad);
      expect(() => raw.pump()).toThrow(DecodeError);
    }
  });
});

describe('writing frames', () => {
  const message = (over: Partial<WireMessage> = {}): WireMessage => ({
    body: bytes(3),
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    headers: {},
    properties: { deliveryMode: 2, priority: 0 },
    ...over,
  });
  const output = (): { output: Output; written(): Buffer } => {
    const stream = new PassThrough();
    const it = new Output(stream, () => {});
    return {
      output: it,
      written() {
        it.flush();
        return (stream.read() as Buffer | null) ?? Buffer.alloc(0);
      },
    };
  };

  it('writes what the golden file has: headers always, unset properties never', () => {
    const to = output();
    writePublish(to.output, new TableWriter(), 5, 4096, message(), {
      exchange: 'media',
      routingKey: 'video',
      mandatory: true,
    });
    expect(to.written().toString('hex')).toBe(
      [
        frame(
          1,
          5,
          Buffer.concat([Buffer.from([0, 60, 0, 40, 0, 0]), short('media'), short('video'), Buffer.from([1])]),
        ),
        frame(
          2,
          5,
          Buffer.concat([
            Buffer.from([0, 60, 0, 0]),
            uint64(3),
            Buffer.from([0xf8, 0]),
            short('application/json'),
            short('utf-8'),
            Buffer.from([0, 0, 0, 0, 2, 0]),
          ]),
        ),
        frame(3, 5, bytes(3)),
      ]
        .map((f) => f.toString('hex'))
        .join(''),
    );
  });

  it('writes every property so that our reader gives the same', () => {
    const properties = {
      deliveryMode: 1,
      priority: 7,
      correlationId: 'c',
      replyTo: 'r',
      expiration: '1500',
      messageId: 'm\u2603',
      timestamp: 1451606400,
      type: 't',
      userId: 'u',
      appId: 'a',
      clusterId: 'k',
    } as const;
    const to = output();
    const sent = message({ properties, headers: { h: 1 }, body: bytes(10_000) });
    writePublish(to.output, new TableWriter(), 5, 4096, sent, { exchange: '', routingKey: 'q' });
    const raw = fakeConnection();
    new FrameReader(raw);
    const all = to.written();
    raw.input.write(all);
    const frames = raw.pump() as { fields?: object; size?: number }[];
    expect(frames).toHaveLength(1 + 1 + 3); // the body in three frames of at most 4088 bytes
    const header = frames[1] as { fields: object; size: number };
    expect(header.size).toBe(10_000);
    expect(contentHeader(header.fields)).toEqual({
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      headers: { h: 1 },
      properties,
      table: undefined,
      broken: undefined,
    });
  });

  it.each([
    ['a property that is no text', { properties: { correlationId: 5 as unknown as string } }, EncodeError],
    ['a property that is too long', { properties: { messageId: 'x'.repeat(256) } }, EncodeError],
    ['a priority above 255', { properties: { priority: 256 } }, EncodeError],
    ['a timestamp of fractions', { properties: { timestamp: 1.5 } }, EncodeError],
    ['headers that do not fit in a frame', { headers: { a: 'x'.repeat(5000) } }, UndeliverableError],
    ['a header that cannot be sent', { headers: { a: () => 1 } }, EncodeError],
  ])('writes nothing of a message with %s', (_, over, type) => {
    const to = output();
    const bad = message(over as Partial<WireMessage>);
    expect(() => writePublish(to.output, new TableWriter(), 5, 4096, bad, { exchange: '', routingKey: '' })).toThrow(
      type,
    );
    expect(to.written()).toHaveLength(0);
  });

  it('refuses an exchange or a routing key of more than 255 bytes', () => {
    const to = output();
    const long = '\u2603'.repeat(86);
    for (const route of [
      { exchange: long, routingKey: '' },
      { exchange: '', routingKey: long },
    ]) {
      expect(() => writePublish(to.output, new TableWriter(), 5, 4096, message(), route)).toThrow(InvalidOptionError);
    }
  });

  it('writes settlements', () => {
    const to = output();
    writeAck(to.output, 3, 2 ** 33 + 1, true);
    writeReject(to.output, 3, 9, false);
    writeReject(to.output, 258, 10, true);
    expect(to.written().toString('hex')).toBe(
      [
        method(3, 60, 80, uint64(2 ** 33 + 1), Buffer.from([1])),
        method(3, 60, 90, uint64(9), Buffer.from([0])),
        method(258, 60, 90, uint64(10), Buffer.from([1])),
      ]
        .map((f) => f.toString('hex'))
        .join(''),
    );
  });

  it('keeps everything in order over buffers of any size, in one write a tick', async () => {
    const stream = new PassThrough({ highWaterMark: 1 << 30 });
    let writes = 0;
    const to = new Output(stream, () => writes++);
    const tables = new TableWriter();
    const sizes = [10, 70_000, 10, 200_000, 65_000, 10];
    for (const [i, size] of sizes.entries()) {
      writePublish(to, tables, 1, 131_072, message({ body: bytes(size, i) }), { exchange: '', routingKey: String(i) });
    }
    expect(to.waitingBytes).toBeGreaterThan(335_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toBe(1);
    const raw = fakeConnection();
    new FrameReader(raw);
    const chunks: Buffer[] = [];
    for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read()) chunks.push(chunk);
    raw.input.write(Buffer.concat(chunks));
    const headers = (raw.pump() as { size?: number }[]).filter((f) => f.size !== undefined);
    expect(headers.map((f) => f.size)).toEqual(sizes);
  });
});
