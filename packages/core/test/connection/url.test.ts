import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatUrl, parseUrl, sanitizeUrl, splitUrls } from '../../src/connection/url.js';
import { InvalidOptionError } from '../../src/index.js';

const SILENT = { hostname: undefined, port: undefined, userid: undefined, password: undefined, virtualHost: undefined };

describe('parseUrl', () => {
  it.each([
    ['amqp://h', undefined],
    ['amqp://h/', undefined],
    ['amqp://h//', '/'],
    ['amqp://h/%2f', '/'],
    ['amqp://h/foo', 'foo'],
    ['amqp://h//foo', '/foo'],
    ['amqp://h/%2Ffoo', '/foo'],
    ['redis://h:6379/0', '0'],
  ])('takes exactly one slash off the path of %s', (url, virtualHost) => {
    expect(parseUrl(url).virtualHost).toBe(virtualHost);
  });

  it.each([
    ['amqp://', { transport: 'amqp' }],
    ['AMQP://Host.Example', { transport: 'amqp', hostname: 'host.example' }],
    [
      'amqp://guest:guest@localhost:5672//',
      { transport: 'amqp', userid: 'guest', password: 'guest', hostname: 'localhost', port: 5672, virtualHost: '/' },
    ],
    [
      'redis://:p%40ss@h:6379/2?ssl_cert_reqs=none',
      {
        transport: 'redis',
        password: 'p@ss',
        hostname: 'h',
        port: 6379,
        virtualHost: '2',
        query: { ssl_cert_reqs: 'none' },
      },
    ],
    ['sqs://k:s%2Fx@', { transport: 'sqs', userid: 'k', password: 's/x' }],
    ['sqs://k:s@h:4566', { transport: 'sqs', userid: 'k', password: 's', hostname: 'h', port: 4566 }],
    ['redis://[::1]:6379/1', { transport: 'redis', hostname: '::1', port: 6379, virtualHost: '1' }],
    ['amqp://[fe80::1%25eth0]', { transport: 'amqp', hostname: 'fe80::1%eth0' }],
    ['amqp://u:p@w@h', { transport: 'amqp', userid: 'u', password: 'p@w', hostname: 'h' }],
    ['amqp://u:a:b@h', { transport: 'amqp', userid: 'u', password: 'a:b', hostname: 'h' }],
    ['amqp://u@h:', { transport: 'amqp', userid: 'u', hostname: 'h' }],
    ['redis+socket:///tmp/redis.sock', { transport: 'redis+socket', hostname: '/tmp/redis.sock' }],
    [
      'redis+socket://u:p@/tmp/r.sock?virtual_host=3',
      { transport: 'redis+socket', userid: 'u', password: 'p', hostname: '/tmp/r.sock', query: { virtual_host: '3' } },
    ],
    [
      'mongodb+srv://u:p@c.example/db',
      { transport: 'mongodb+srv', userid: 'u', password: 'p', hostname: 'c.example', virtualHost: 'db' },
    ],
    ['mongodb://h1:1,H2:2/db', { transport: 'mongodb', hostname: 'h1:1,h2:2', virtualHost: 'db' }],
    ['filesystem:///var/spool/kombu', { transport: 'filesystem', virtualHost: 'var/spool/kombu' }],
    ['memory://', { transport: 'memory' }],
    ['amqp://h?a=1&b=&=c&d&a=2+3', { transport: 'amqp', hostname: 'h', query: { a: '2 3' } }],
  ])('reads %s', (url, parts) => {
    expect(parseUrl(url)).toEqual({ ...SILENT, query: {}, ...parts });
  });

  it.each([
    ['localhost', /begin with its transport/],
    ['', /begin with its transport/],
    ['://h', /begin with its transport/],
    ['amqp://h:port', /port is not a number/],
    ['amqp://h:70000', /above 65535/],
    ['amqp://u:pa/ss@h', /percent-encoded/],
    ['amqp://u:pa#ss@h', /%23/],
    ['amqp://u:100%@h', /%25/],
    ['amqp://u:%ff@h', /UTF-8/],
    ['amqp://::1', /brackets/],
    ['amqp://[::1', /brackets/],
    ['amqp://h h', /white space/],
    ['amqp://h/\u0000', /control/],
  ])('refuses %j and says why', (url, message) => {
    expect(() => parseUrl(url)).toThrow(InvalidOptionError);
    expect(() => parseUrl(url)).toThrow(message);
  });

  it('keeps a parameter called __proto__ a parameter', () => {
    const { query } = parseUrl('amqp://h?__proto__=x&constructor=y');
    expect(Object.entries(query)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const host = fc.oneof(
  fc.domain().map((d) => d.toLowerCase()),
  fc.ipV6(),
  fc.ipV4(),
);
const parts = fc.record({
  transport: fc.constantFrom('amqp', 'redis', 'sqs', 'mongodb+srv', 'x'),
  hostname: fc.option(host, { nil: undefined }),
  port: fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined }),
  userid: fc.option(word, { nil: undefined }),
  password: fc.option(word, { nil: undefined }),
  virtualHost: fc.option(word, { nil: undefined }),
  query: fc.dictionary(word, word, { maxKeys: 4 }),
});

describe('formatUrl', () => {
  it('is the inverse of parseUrl', () => {
    fc.assert(
      fc.property(parts, (p) => {
        // A path without a host is, after a '+', a socket: the host then.
        fc.pre(!(p.transport.includes('+') && p.hostname === undefined));
        expect(parseUrl(formatUrl(p))).toEqual(p);
      }),
      { numRuns: 2000 },
    );
  });

  it('is the inverse of parseUrl for sockets', () => {
    fc.assert(
      fc.property(word, fc.option(word, { nil: undefined }), (path, password) => {
        const p = { ...SILENT, transport: 'redis+socket', hostname: `/${path}`, password, query: {} };
        expect(parseUrl(formatUrl(p))).toEqual(p);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses text that is not well-formed', () => {
    expect(() => formatUrl({ transport: 'amqp', hostname: '\ud800' })).toThrow(InvalidOptionError);
  });
});

describe('sanitizeUrl', () => {
  const secret = fc.stringMatching(/^[A-Z]{6,12}[!@#/?:;% ]{0,3}[0-9]{6}$/);

  it('never shows a password, well-formed or not', () => {
    fc.assert(
      fc.property(parts, secret, (p, password) => {
        const encoded = formatUrl({ ...p, password });
        for (const url of [
          encoded,
          encoded.replaceAll(encodeURIComponent(password), () => password),
          `${encoded};amqp://b`,
        ]) {
          const shown = sanitizeUrl(url);
          expect(shown).not.toContain(password);
          expect(shown).not.toContain(encodeURIComponent(password));
          expect(shown).not.toContain(password.slice(-6));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('masks parameters that hold secrets, and keeps the rest', () => {
    expect(sanitizeUrl('redis://:p@h:1/2?sentinel_password=x&prefix=y')).toBe(
      'redis://:**@h:1/2?sentinel_password=**&prefix=y',
    );
    expect(sanitizeUrl('amqp://u:p@h//;localhost:5673', 'xx')).toBe('amqp://u:xx@h//;localhost:5673');
    expect(sanitizeUrl('not a url with password')).toBe('**');
  });
});

describe('splitUrls', () => {
  it('takes lists apart, of either kind and mixed', () => {
    expect(splitUrls('amqp://a; amqp://b ;;c')).toEqual(['amqp://a', 'amqp://b', 'c']);
    expect(splitUrls(['amqp://a;b', 'c'])).toEqual(['amqp://a', 'b', 'c']);
    expect(() => splitUrls([1 as never])).toThrow(InvalidOptionError);
    expect(() => splitUrls({} as never)).toThrow(InvalidOptionError);
  });
});
