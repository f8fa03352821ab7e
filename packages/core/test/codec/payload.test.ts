import { describe, expect, it } from '@jest/globals';
import { createCodecSet } from '../../src/codec/codec-set.js';
import { deserialize, encodeBody, inflate } from '../../src/codec/payload.js';
import { DecodeError, EncodeError, InvalidOptionError, SerializerNotInstalled } from '../../src/errors/index.js';

const codec = createCodecSet();

describe('encoding a body', () => {
  it('is synchronous for every serializer, and for small bodies with every compression of node:zlib', () => {
    for (const serializer of [undefined, 'json', 'msgpack', 'pickle', 'yaml']) {
      expect(encodeBody({ a: 1 }, { serializer }, codec)).not.toBeInstanceOf(Promise);
    }
    for (const compression of ['gzip', 'brotli', 'bzip2', 'lzma']) {
      expect(encodeBody({ a: 1 }, { compression }, codec)).not.toBeInstanceOf(Promise);
    }
  });

  it('sends objects as json, text and bytes as they are', async () => {
    expect(await encodeBody([1], {}, codec)).toEqual({
      body: Buffer.from('[1]'),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    });
    expect(await encodeBody('é', {}, codec)).toEqual({
      body: Buffer.from('é'),
      contentType: 'text/plain',
      contentEncoding: 'utf-8',
    });
    for (const bytes of [Buffer.from([1, 2]), Uint8Array.of(1, 2), Uint8Array.of(1, 2).buffer]) {
      expect(await encodeBody(bytes, {}, codec)).toEqual({
        body: Buffer.from([1, 2]),
        contentType: 'application/data',
        contentEncoding: 'binary',
      });
    }
  });

  it('serializes everything, text too, when a serializer is named', async () => {
    expect((await encodeBody('x', { serializer: 'json' }, codec)).body.toString()).toBe('"x"');
    expect((await encodeBody(Buffer.from('x'), { serializer: 'json' }, codec)).body.toString()).toBe('"eA=="');
  });

  it('does not serialize a body whose content type is given', async () => {
    expect(await encodeBody('{"a": 1}', { contentType: 'application/json' }, codec)).toEqual({
      body: Buffer.from('{"a": 1}'),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    });
    expect(await encodeBody('é', { contentType: 'text/x', contentEncoding: 'latin-1' }, codec)).toMatchObject({
      body: Buffer.from([0xe9]),
      contentEncoding: 'latin-1',
    });
    expect(await encodeBody(Buffer.from([0x89]), { contentType: 'image/png', serializer: 'json' }, codec)).toEqual({
      body: Buffer.from([0x89]),
      contentType: 'image/png',
      contentEncoding: 'binary',
    });
    expect(() => encodeBody({ a: 1 }, { contentType: 'application/json' }, codec)).toThrow(EncodeError);
    expect(() => encodeBody('☃', { contentType: 'a/b', contentEncoding: 'latin-1' }, codec)).toThrow(EncodeError);
    expect(() => encodeBody('☃', { contentType: 'a/b', contentEncoding: 'ebcdic' }, codec)).toThrow(EncodeError);
  });

  it('compresses after serializing, and says so by the content type of the algorithm', async () => {
    for (const [name, type] of Object.entries({
      zlib: 'application/x-gzip',
      xz: 'application/x-lzma',
      zstandard: 'application/zstd',
    })) {
      const encoded = await encodeBody({ x: 'y'.repeat(1000) }, { compression: name }, codec);
      expect(encoded).toMatchObject({ contentType: 'application/json', contentEncoding: 'utf-8', compression: type });
      const body = await inflate(encoded.body, encoded.compression, codec);
      expect(deserialize(body, encoded.contentType, encoded.contentEncoding, codec)).toEqual({ x: 'y'.repeat(1000) });
    }
  });

  it('refuses unknown serializers and compressions', () => {
    expect(() => encodeBody({}, { serializer: 'nope' }, codec)).toThrow(SerializerNotInstalled);
    expect(() => encodeBody({}, { compression: 'nope' }, codec)).toThrow(SerializerNotInstalled);
    expect(() => encodeBody(undefined, {}, codec)).toThrow(EncodeError);
  });
});

describe('inflating a body', () => {
  it('leaves a body without a compression header alone', () => {
    const body = Buffer.from('x');
    for (const header of [undefined, null, '']) expect(inflate(body, header, codec)).toBe(body);
  });

  it('refuses a header that is not text, or names nothing known', () => {
    expect(() => inflate(Buffer.from('x'), 5, codec)).toThrow(DecodeError);
    expect(() => inflate(Buffer.from('x'), 'application/x-nope', codec)).toThrow(SerializerNotInstalled);
  });

  it('stops at the limit of its codec set', async () => {
    const small = createCodecSet({ maxDecompressedBytes: 100 });
    const { body, compression } = await encodeBody('x'.repeat(101), { compression: 'gzip' }, codec);
    expect(() => inflate(body, compression, small)).toThrow(/maxDecompressedBytes \(100\)/);
    for (const maxDecompressedBytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createCodecSet({ maxDecompressedBytes })).toThrow(InvalidOptionError);
    }
  });
});
