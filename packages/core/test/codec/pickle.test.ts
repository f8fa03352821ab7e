import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { pickleSerializer } from '../../src/codec/pickle/pickle.js';
import { DecodeError, EncodeError, InvalidOptionError } from '../../src/errors/index.js';

const read = (body: Buffer): unknown => pickleSerializer().decode(body, 'binary');
const hex = (text: string): unknown => read(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const latin1 = (text: string): unknown => read(Buffer.from(text, 'latin1'));

describe('reading pickles', () => {
  it('reads what Kombu 5.2.4 publishes', () => {
    expect(hex('8004950a000000000000007d948c0161944b01732e')).toEqual({ a: 1 });
    const body = Buffer.from('gASVJAAAAAAAAAB9lCiMAWGUSwGMAWKUXZQoSwFHQAQAAAAAAABOiIwBeJRldS4=', 'base64');
    expect(read(body)).toEqual({ a: 1, b: [1, 2.5, null, true, 'x'] });
  });

  it('reads integers of every size, small ones as numbers', () => {
    expect(hex('80024aD6FFFFFF2e')).toBe(-42);
    expect(hex('80024d39302e')).toBe(12345);
    expect(hex('80028a002e')).toBe(0);
    expect(hex('80028a0500e40b54022e')).toBe(10_000_000_000);
    expect(hex('80028a08ffffffffffffff7f2e')).toBe(2n ** 63n - 1n);
    expect(hex('80028a090000000000000080002e')).toBe(2n ** 63n);
    expect(hex('80028b04000000ffffffff2e')).toBe(-1);
  });

  it('reads strings of Python 2 as text where they are text, else as bytes', () => {
    expect(latin1('\x80\x02U\x03abc.')).toBe('abc');
    expect(latin1('\x80\x02U\x01\xff.')).toEqual(Buffer.from([0xff]));
    expect(latin1('\x80\x02T\x01\0\0\0a.')).toBe('a');
  });

  it('reads the calls that stand for bytes before protocol 3, the second by its memo', () => {
    const text =
      '\x80\x02]q\0(c_codecs\nencode\nq\x01X\x03\0\0\0a\xc3\xbfq\x02X\x06\0\0\0latin1q\x03\x86q\x04Rq\x05h\x01X\x01\0\0\0bq\x06h\x03\x86q\x07Rq\x08h\x05e.';
    expect(latin1(text)).toEqual([Buffer.from([0x61, 0xff]), Buffer.from('b'), Buffer.from([0x61, 0xff])]);
    expect(latin1('\x80\x02c__builtin__\nbytes\nq\0)Rq\x01.')).toEqual(Buffer.alloc(0));
  });

  it('makes one object of one that is mentioned twice, also in a circle', () => {
    const [a, b] = latin1('\x80\x02]q\0(]q\x01h\x01e.') as unknown[];
    expect(a).toBe(b);
    const circle = latin1('\x80\x02]q\0h\0a.') as unknown[];
    expect(circle[0]).toBe(circle);
  });

  it('reads sets, and keys that are not text as JSON has them', () => {
    expect(latin1('\x80\x04\x8f\x94(K\x01K\x02\x90.')).toEqual(new Set([1, 2]));
    expect(latin1('\x80\x04(K\x01K\x02\x91.')).toEqual(new Set([1, 2]));
    expect(latin1('\x80\x02}(K\x01\x88\x88NN\x89u.')).toEqual({ 1: true, true: null, null: false });
    expect(() => latin1('\x80\x02})K\x01s.')).toThrow(DecodeError);
  });

  it('keeps __proto__ an ordinary key', () => {
    const value = latin1('\x80\x02}U\x09__proto__}U\x01xK\x01ss.') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it.each([
    ['GLOBAL', 'cos\nsystem\n(U\x02lstR.'],
    ['GLOBAL', 'c_codecs\ndecode\n.'],
    ['GLOBAL', 'c__builtin__\neval\n.'],
    ['STACK_GLOBAL', '\x8c\x02os\x8c\x06system\x93.'],
    ['REDUCE', 'N)R.'],
    ['BUILD', '}}b.'],
    ['INST', '(ios\nsystem\n.'],
    ['OBJ', '(No.'],
    ['NEWOBJ', 'N)\x81.'],
    ['NEWOBJ_EX', 'N)}\x92.'],
    ['EXT1', '\x82\x01.'],
    ['EXT2', '\x83\x01\0.'],
    ['EXT4', '\x84\x01\0\0\0.'],
    ['PERSID', 'Pabc\n.'],
    ['BINPERSID', 'NQ.'],
    ['NEXT_BUFFER', '\x97.'],
    ['READONLY_BUFFER', '\x98.'],
    ['INT', 'I1\n.'],
    ['LONG', 'L1L\n.'],
    ['STRING', "S'a'\n."],
    ['UNICODE', 'Va\n.'],
    ['FLOAT', 'F1.5\n.'],
    ['GET', 'g0\n.'],
    ['PUT', 'Np0\n.'],
    ['0xff', '\xff.'],
  ])('refuses %s, even after a megabyte of plain data, before anything is built', (name, opcodes) => {
    const plain = `(${'N'.repeat(1_000_000)}t`;
    const started = performance.now();
    expect(() => latin1(`\x80\x04${plain}${opcodes}`)).toThrow(new RegExp(`has the opcode ${name} `));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it.each([
    ['another charset', '\x80\x02c_codecs\nencode\nU\x01aU\x05utf-8\x86R.'],
    ['one argument', '\x80\x02c_codecs\nencode\nU\x01a\x85R.'],
    ['characters beyond Latin-1', '\x80\x02c_codecs\nencode\nX\x03\0\0\0\xe2\x98\x83U\x06latin1\x86R.'],
    ['a call of a value', '\x80\x02c_codecs\nencode\n0U\x01aU\x01aU\x06latin1\x86R.'],
    ['the function as the result', '\x80\x02c_codecs\nencode\n.'],
    ['the function in a list', '\x80\x02]c_codecs\nencode\na.'],
    ['the function in a tuple', '\x80\x02(c_codecs\nencode\nt.'],
    ['the function in a dict', '\x80\x02}U\x01ac_codecs\nencode\ns.'],
    ['bytes with an argument', '\x80\x02c__builtin__\nbytes\nK\x09\x85R.'],
  ])('refuses the bytes call with %s', (_, text) => {
    expect(() => latin1(text)).toThrow(DecodeError);
  });

  it.each([
    '',
    '\x80',
    '\x80\x01N.',
    '\x80\x06N.',
    '\x80\x02',
    '\x80\x02N',
    '\x80\x02.',
    '\x80\x02NN.',
    '\x80\x02h\0.',
    '\x80\x02q\0.',
    '\x80\x02(.',
    '\x80\x02a.',
    '\x80\x02Na.',
    '\x80\x02NNa.',
    '\x80\x02}(Nu.',
    '\x80\x02t.',
    '\x80\x02U\x05ab.',
    '\x80\x02X\xff\xff\xff\xffab.',
    '\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffab.',
    '\x80\x02J\0.',
    '\x80\x020.',
  ])('refuses the malformed pickle %j', (text) => {
    expect(() => latin1(text)).toThrow(DecodeError);
  });

  it('bounds depth and integers', () => {
    expect(() => latin1(`\x80\x02${']'.repeat(1000)}${'a'.repeat(999)}.`)).toThrow(/nested deeper/);
    expect(latin1(`\x80\x02${']'.repeat(500)}${'a'.repeat(499)}.`)).toBeDefined();
    expect(() => latin1(`\x80\x02\x8b\0\0\x01\0${'\x7f'.repeat(65536)}.`)).toThrow(/integer/);
  });

  it('stays small when lists mention each other exponentially often', () => {
    const at = (i: number): string => String.fromCharCode(i);
    let text = '\x80\x02(]q\0';
    for (let i = 0; i < 100; i++) text += `]q${at(i + 1)}(h${at(i)}h${at(i)}e`;
    const lists = latin1(`${text}t.`) as unknown[][];
    expect(lists).toHaveLength(101);
    expect(lists[100]?.[1]).toBe(lists[99]);
  });
});

describe('writing pickles', () => {
  it('refuses what pickles of plain data cannot hold', () => {
    const write = (value: unknown, protocol?: 2 | 4) => pickleSerializer(protocol ? { protocol } : {}).encode(value);
    expect(() => write(new Set([1]))).toThrow(EncodeError);
    expect(() => write(undefined)).toThrow(EncodeError);
    expect(() => write(10n ** 5000n)).toThrow(EncodeError);
    const circle: unknown[] = [];
    circle.push(circle);
    expect(() => write(circle)).toThrow(EncodeError);
    expect(read(write(new Set([1, 'a']), 4) as Buffer)).toEqual(new Set([1, 'a']));
    expect(() => pickleSerializer({ protocol: 1 as 2 })).toThrow(InvalidOptionError);
  });

  it('writes dates, and objects with toJSON or __json__, as json does', () => {
    const body = pickleSerializer().encode({
      d: new Date(0),
      j: { toJSON: () => [1n] },
      u: undefined,
      m: new Map([['a', 1]]),
    });
    expect(read(body as Buffer)).toEqual({ d: '1970-01-01T00:00:00.000+00:00', j: [1], m: { a: 1 } });
  });

  it('writes protocol 2 unless told otherwise', () => {
    expect(Buffer.from(pickleSerializer().encode(1) as Buffer).subarray(0, 2)).toEqual(Buffer.from([0x80, 2]));
    expect(Buffer.from(pickleSerializer({ protocol: 5 }).encode(1) as Buffer).subarray(0, 2)).toEqual(
      Buffer.from([0x80, 5]),
    );
  });

  it('never imports a code-running module', () => {
    const sources = ['read', 'scan', 'values', 'long'].map((name) =>
      readFileSync(new URL(`../../src/codec/pickle/${name}.ts`, import.meta.url), 'utf8'),
    );
    for (const source of sources) expect(source).not.toMatch(/\beval\b|new Function|node:vm|import\(/);
  });
});
