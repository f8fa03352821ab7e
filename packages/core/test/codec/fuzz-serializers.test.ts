import { describe, expect, it } from '@jest/globals';
import { createSerializerRegistry } from '../../src/codec/serializer-registry.js';
import { DecodeError } from '../../src/errors/index.js';
import { fuzz, randomNumbers, seedOfRun } from './random.js';

const CASES = 20_000;
const MAX_CASE_MS = 2000;
const seed = seedOfRun('fuzzed bodies');
const registry = createSerializerRegistry();

const VALUES: unknown[] = [
  null,
  { a: 1, b: [1, 2.5, 'x', null, true, { c: { d: [] } }], 'a long key with "quotes"': 'é☃\u{1f600}' },
  [[1, -1, 127, 128, 65536, -70_000], 12345678901234567890n, -1n, 1e300, 0.1],
  { text: 'a'.repeat(300), bytes: Buffer.alloc(300, 7), list: Array.from({ length: 40 }, (_, i) => i) },
  'just text',
];

const EXTRA: Readonly<Record<string, readonly string[]>> = {
  json: [
    '{"a": NaN, "b": [Infinity, -Infinity, 123456789012345678901234567890], "c": "\\u2603\\"\\\\"}',
    '{"d": {"__type__": "datetime", "__value__": "2016-11-04T01:02:03+00:00"}, "u": {"__type__": "uuid", "__value__": {"hex": "0000000000000000000000000000000a"}}}',
    '[{"__type__": "bytes", "__value__": "x"}, {"__type__": "base64", "__value__": "AP8="}, {"__type__": "decimal", "__value__": "1.1"}]',
  ],
  yaml: [
    'a: &a {x: 1, y: [1, 2]}\nb: *a\nc: !!binary AAH/\nd: 2020-01-02T03:04:05Z\n',
    'base: &b {x: 1}\nm: {<<: *b, y: 2}\ns: !!set {a, b}\no: !!omap [a: 1, b: 2]\nl: |\n  text\n   more\nf: >-\n  folded\n',
    "- 1:30\n- 0x1F\n- 017\n- .inf\n- \"q\\u2603\\n\"\n- 'single''s'\n- ? complex\n  : value\n",
  ],
  pickle: [
    '\x80\x02]q\0(c_codecs\nencode\nq\x01X\x03\0\0\0a\xc3\xbfq\x02X\x06\0\0\0latin1q\x03\x86q\x04Rq\x05h\x01X\x01\0\0\0bq\x06h\x03\x86q\x07Rq\x08e.',
    '\x80\x05\x95\x20\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94\x8a\x09\0\0\0\0\0\0\0\x80\0\x8c\x01b\x94\x96\x02\0\0\0\0\0\0\0xy\x94u]\x94(h\0\x8f\x94(K\x01\x90(K\x02\x91\x94e\x86.',
  ],
  msgpack: ['\xd7\xff\x1d\xcde\0\0\0\0\x01', '\xdc\0\x02\xd9\x01a\xc4\x01b', '\xde\0\x01\x01\xca?\xc0\0\0'],
};

describe.each(['json', 'msgpack', 'yaml', 'pickle'])('%s', (name) => {
  it(`ends in a value or a DecodeError for ${CASES} malformed bodies`, async () => {
    const serializer = registry.get(name);
    const encoding = name === 'yaml' ? 'utf8' : name === 'json' ? 'utf8' : 'latin1';
    const valid = [
      ...VALUES.map((value) => Buffer.from(serializer.encode(value) as string)),
      ...(EXTRA[name] as string[]).map((text) => Buffer.from(text, encoding)),
    ];
    for (const body of valid.slice(VALUES.length)) serializer.decode(body, 'utf-8');
    const before = process.memoryUsage().rss;
    const report = await fuzz(
      CASES,
      randomNumbers(seed),
      valid,
      (body) => registry.loads(body, serializer.contentType, 'utf-8', { force: true }),
      (error) => error instanceof DecodeError,
    );
    expect(report.decoded + report.refused).toBe(CASES);
    expect(report.decoded).toBeGreaterThan(CASES / 100);
    expect(report.refused).toBeGreaterThan(CASES / 100);
    expect(report.longestMs).toBeLessThan(MAX_CASE_MS);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  }, 60_000);
});
