import { describe, expect, it } from '@jest/globals';
import { acceptSet, admit } from '../../src/codec/accept.js';
import { createCodecSet } from '../../src/codec/codec-set.js';
import { createSerializerRegistry } from '../../src/codec/serializer-registry.js';
import {
  ContentDisallowed,
  DecodeError,
  EncodeError,
  InvalidOptionError,
  SerializerNotInstalled,
} from '../../src/errors/index.js';

const TYPES = {
  json: 'application/json',
  pickle: 'application/x-python-serialize',
  yaml: 'application/x-yaml',
  msgpack: 'application/x-msgpack',
} as const;

describe('the serializer registry', () => {
  it('serializes text and bytes as they are when no serializer is named, and everything when one is', () => {
    const registry = createSerializerRegistry();
    expect(registry.dumps('é')).toEqual({
      body: Buffer.from('é'),
      contentType: 'text/plain',
      contentEncoding: 'utf-8',
    });
    expect(registry.dumps(Uint8Array.of(0, 255))).toEqual({
      body: Buffer.from([0, 255]),
      contentType: 'application/data',
      contentEncoding: 'binary',
    });
    expect(registry.dumps({ a: 1 })).toEqual({
      body: Buffer.from('{"a":1}'),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    });
    expect(registry.dumps('x', 'json').body.toString()).toBe('"x"');
    expect(registry.dumps('x', 'raw')).toMatchObject({ contentType: 'application/data', contentEncoding: 'utf-8' });
    expect(registry.dumps(Buffer.from('x'), 'raw')).toMatchObject({ contentEncoding: 'binary' });
    for (const [name, contentType] of Object.entries(TYPES))
      expect(registry.dumps([1], name)).toMatchObject({ contentType });
  });

  it('refuses raw and text bodies that are neither', () => {
    const registry = createSerializerRegistry();
    expect(() => registry.dumps({}, 'raw')).toThrow(EncodeError);
    expect(() => registry.dumps(5, 'text')).toThrow(EncodeError);
  });

  it('compares content types exactly, but for parameters', () => {
    const registry = createSerializerRegistry();
    const body = Buffer.from('{"a":1}');
    expect(registry.loads(body, 'application/json; charset=utf-8', 'UTF-8')).toEqual({ a: 1 });
    expect(registry.loads(body, 'application/json;charset=utf-8')).toEqual({ a: 1 });
    expect(registry.loads(body, 'Application/JSON')).toBe('{"a":1}');
    expect(registry.loads(body, 'application/jsonx')).toBe('{"a":1}');
    expect(registry.loads(Buffer.from('{"\u00e9":1}'), 'application/json', 'latin-1')).toEqual({ é: 1 });
  });

  it('takes a missing type for application/data and a missing encoding for utf-8', () => {
    const registry = createSerializerRegistry();
    expect(registry.loads(Buffer.from('é'))).toBe('é');
    expect(registry.loads(Buffer.from('é'), null, null)).toBe('é');
    expect(registry.loads(Buffer.from([0xff]))).toEqual(Buffer.from([0xff]));
    expect(registry.loads(Buffer.from([0xe9]), 'text/plain', 'ISO-8859-1')).toBe('é');
    expect(registry.loads(Buffer.from('é', 'utf16le'), 'text/plain', 'utf-16le')).toBe('é');
    expect(registry.loads(Buffer.from([0xff]), 'image/png', 'binary')).toEqual(Buffer.from([0xff]));
    expect(registry.loads(Buffer.alloc(0), 'application/json', 'utf-8')).toBe('');
    expect(registry.loads(Buffer.alloc(0), 'application/x-msgpack', 'binary', { accept: ['msgpack'] })).toEqual(
      Buffer.alloc(0),
    );
  });

  it('says so when text is not what its encoding says', () => {
    const registry = createSerializerRegistry();
    for (const encoding of ['utf-8', 'ascii', 'koi8-nonsense', 'utf-16le']) {
      expect(() => registry.loads(Buffer.from([0xff, 0xfe, 0xff]), 'text/plain', encoding)).toThrow(DecodeError);
    }
  });

  it('refuses pickle, yaml and msgpack until they are enabled or accepted, before anything is decoded', () => {
    const registry = createSerializerRegistry();
    for (const [name, type] of Object.entries(TYPES)) {
      if (name === 'json') continue;
      const { body } = registry.dumps([1], name);
      expect(() => registry.loads(body, type, 'binary')).toThrow(ContentDisallowed);
      expect(() => registry.loads(Buffer.from('garbage'), `${type}; x=y`)).toThrow(ContentDisallowed);
      expect(registry.loads(body, type, 'binary', { accept: [name] })).toEqual([1]);
      expect(registry.loads(body, type, 'binary', { accept: [type] })).toEqual([1]);
      expect(registry.loads(body, type, 'binary', { force: true })).toEqual([1]);
    }
    registry.enableInsecureSerializers(['yaml']);
    expect(registry.loads(Buffer.from('- 1'), TYPES.yaml)).toEqual([1]);
    expect(() => registry.loads(Buffer.from('garbage'), TYPES.msgpack)).toThrow(ContentDisallowed);
    registry.enableInsecureSerializers();
    expect(registry.loads(registry.dumps([1], 'pickle').body, TYPES.pickle)).toEqual([1]);
    registry.disableInsecureSerializers();
    expect(() => registry.loads(Buffer.from('- 1'), TYPES.yaml)).toThrow(ContentDisallowed);
    expect(registry.loads(Buffer.from('[1]'), TYPES.json)).toEqual([1]);
    registry.disableInsecureSerializers(['yaml']);
    expect(() => registry.loads(Buffer.from('[1]'), TYPES.json)).toThrow(ContentDisallowed);
    expect(registry.loads(Buffer.from('- 1'), TYPES.yaml)).toEqual([1]);
  });

  it('keeps registries apart', () => {
    const one = createSerializerRegistry();
    one.enableInsecureSerializers();
    const other = createSerializerRegistry();
    expect(other.isEnabled(TYPES.pickle)).toBe(false);
  });

  it('registers, replaces and unregisters serializers of the application', () => {
    const registry = createSerializerRegistry();
    const reverse = {
      contentType: 'application/x-reverse',
      encode: (value: unknown) => [...String(value)].reverse().join(''),
      decode: (body: Buffer) => [...body.toString()].reverse().join(''),
    };
    registry.register('reverse', reverse);
    expect(registry.dumps('abc', 'reverse')).toEqual({
      body: Buffer.from('cba'),
      contentType: 'application/x-reverse',
      contentEncoding: 'utf-8',
    });
    expect(registry.loads(Buffer.from('cba'), 'application/x-reverse')).toBe('abc');
    registry.disable('reverse');
    expect(() => registry.loads(Buffer.from('cba'), 'application/x-reverse')).toThrow(ContentDisallowed);
    registry.enable('application/x-reverse');
    expect(registry.loads(Buffer.from('cba'), 'application/x-reverse')).toBe('abc');
    expect(registry.unregister('reverse')).toBe(true);
    expect(registry.unregister('reverse')).toBe(false);
    expect(registry.loads(Buffer.from('cba'), 'application/x-reverse')).toBe('cba');
  });

  it('reports what a serializer of the application throws as its own typed error', () => {
    const registry = createSerializerRegistry();
    const fail = () => {
      throw new TypeError('inner');
    };
    registry.register('broken', { contentType: 'application/x-broken', encode: fail, decode: fail });
    expect(() => registry.dumps(1, 'broken')).toThrow(EncodeError);
    expect(() => registry.loads(Buffer.from('x'), 'application/x-broken')).toThrow(DecodeError);
    try {
      registry.dumps(1, 'broken');
    } catch (error) {
      expect((error as Error).cause).toBeInstanceOf(TypeError);
    }
  });

  it('names the nearest serializer for an unknown one, and refuses malformed ones', () => {
    const registry = createSerializerRegistry();
    expect(() => registry.dumps(1, 'jason')).toThrow(/did you mean "json"/);
    expect(() => registry.dumps(1, 'jason')).toThrow(SerializerNotInstalled);
    expect(() => registry.enable('nope')).toThrow(SerializerNotInstalled);
    expect(() => registry.loads(Buffer.from('1'), 'application/json', 'utf-8', { accept: ['nope'] })).toThrow(
      SerializerNotInstalled,
    );
    const good = { contentType: 'a/b', encode: () => '', decode: () => '' };
    for (const [name, bad] of [
      ['', good],
      ['a/b', good],
      ['x', { ...good, contentType: 'json' }],
      ['x', { ...good, encode: 5 }],
    ] as const) {
      expect(() => registry.register(name, bad as typeof good)).toThrow(InvalidOptionError);
    }
  });

  it('runs prepare of what is named, and ignores MIME types that nothing decodes', async () => {
    const codec = createCodecSet();
    let prepared = 0;
    codec.serializers.register('lazy', {
      contentType: 'application/x-lazy',
      encode: () => '',
      decode: () => '',
      prepare: async () => {
        prepared++;
      },
    });
    await codec.prepare(['json', 'yaml', 'zstd', 'gzip', 'lazy', 'application/x-lazy', 'image/png']);
    expect(prepared).toBe(2);
    await expect(codec.prepare(['nope'])).rejects.toThrow(SerializerNotInstalled);
  });
});

describe('accept', () => {
  const codec = createCodecSet();
  const admits = (accept: readonly string[] | 'any' | undefined, contentType: string | undefined | null): boolean => {
    try {
      admit({ contentType }, acceptSet(accept, codec));
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(ContentDisallowed);
      return false;
    }
  };

  it.each([
    [undefined, 'application/json', true],
    [undefined, 'application/json; charset=utf-8', true],
    [undefined, 'application/x-python-serialize', false],
    [undefined, 'application/x-yaml', false],
    [undefined, 'application/x-msgpack; a=b', false],
    [undefined, 'image/png', true],
    [['json'], 'application/json', true],
    [['json'], 'application/json ; charset=utf-8', true],
    [['json'], 'application/x-python-serialize', false],
    [['json'], 'image/png', false],
    [['image/png', 'pickle'], 'image/png', true],
    [['image/png', 'pickle'], 'application/x-python-serialize', true],
    [['image/png', 'pickle'], 'application/json', false],
    [[], 'application/json', false],
    ['any', 'application/x-python-serialize', true],
  ] as const)('%j %s: %s', (accept, type, expected) => {
    expect(admits(accept, type)).toBe(expected);
  });

  it('always passes text, data and a missing type', () => {
    for (const type of [
      'text/plain',
      'application/data',
      'application/text',
      'text/plain; charset=utf-8',
      undefined,
      null,
      '',
    ]) {
      expect(admits([], type)).toBe(true);
      expect(admits(['json'], type)).toBe(true);
      expect(admits(undefined, type)).toBe(true);
    }
  });

  it('follows the registry while it is unset', () => {
    const own = createCodecSet();
    const accept = acceptSet(undefined, own);
    expect(() => admit({ contentType: TYPES.yaml }, accept)).toThrow(ContentDisallowed);
    own.serializers.enable('yaml');
    admit({ contentType: TYPES.yaml }, accept);
  });

  it('says what it takes instead', () => {
    expect(() => admit({ contentType: TYPES.pickle }, acceptSet(['json', 'a/b'], codec))).toThrow(
      'Content of the type "application/x-python-serialize" is refused: this consumer accepts json, a/b',
    );
  });
});

describe('a name that is no text', () => {
  it.each([{}, 5, null, ['json']])('is an InvalidOptionError: %j', (name) => {
    const { serializers, compressions } = createCodecSet();
    const wrong = name as unknown as string;
    if (name !== null) expect(() => serializers.dumps({}, wrong)).toThrow(InvalidOptionError);
    expect(() => serializers.enable(wrong)).toThrow(InvalidOptionError);
    expect(() => acceptSet([wrong], createCodecSet())).toThrow(InvalidOptionError);
    expect(() => compressions.compress(Buffer.alloc(1), wrong)).toThrow(InvalidOptionError);
  });
});
