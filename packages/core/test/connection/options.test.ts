import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Connection, type ConnectionOptions, InvalidOptionError, KombuError } from '../../src/index.js';
import type { BrokerTarget } from '../../src/transport/index.js';
import { seedOfRun } from '../codec/random.js';
import { Lab, type LabOptions, lost } from './support/lab.js';

/** What the transport is given for a URL and options. */
async function targetOf(url: string | undefined, options: Partial<ConnectionOptions<LabOptions>> = {}) {
  let target: BrokerTarget<LabOptions> | undefined;
  const { transport } = new Lab({
    connect: async (given) => {
      target = given;
      throw lost();
    },
  });
  await new Connection<LabOptions>(url, { transport, ...options }).connect().catch((error: unknown) => {
    if (!KombuError.is(error, 'ERR_KOMBU_CONNECTION_LOST')) throw error;
  });
  return target as BrokerTarget<LabOptions>;
}

function refusalOf(url: string, options: object = {}): string {
  const { transport } = new Lab();
  try {
    new Connection(url, { transport, ...options } as ConnectionOptions);
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('the options of a connection', () => {
  it('fill in what the URL is silent about', async () => {
    const options = { hostname: 'other', port: 1, userid: 'u', password: 'p', virtualHost: 'v' };
    expect(await targetOf('lab://', options)).toMatchObject(options);
    expect(await targetOf('lab://a:b@h:2/w', options)).toMatchObject({
      hostname: 'h',
      port: 2,
      userid: 'a',
      password: 'b',
      virtualHost: 'w',
    });
  });

  it('have the defaults of the page', async () => {
    expect(await targetOf('lab://h')).toMatchObject({
      scheme: 'lab',
      url: 'lab://h',
      port: undefined,
      userid: undefined,
      virtualHost: undefined,
      tls: undefined,
      connectTimeoutMs: 5000,
      heartbeatMs: undefined,
      loginMethod: undefined,
      options: { visibilityTimeoutMs: 60_000, order: 'sorted', verbose: false },
    });
  });

  it.each([
    ['conectTimeoutMs', "did you mean 'connectTimeoutMs'"],
    ['user', "did you mean 'userid'"],
    ['ssl', "did you mean 'tls'"],
    ['transport_options', "did you mean 'transportOptions'"],
  ])('name the nearest one for %s', (name, message) => {
    expect(refusalOf('lab://h', { [name]: 1 })).toContain(message);
  });

  it.each([
    [{ port: 70_000 }, /port/],
    [{ port: '1' }, /port/],
    [{ hostname: 1 }, /hostname/],
    [{ connectTimeoutMs: 0 }, /connectTimeoutMs/],
    [{ connectTimeoutMs: Number.NaN }, /connectTimeoutMs/],
    [{ heartbeatMs: -1 }, /heartbeatMs/],
    [{ loginMethod: 'plain' }, /PLAIN/],
    [{ tls: 'yes' }, /tls/],
    [{ transportOptions: 'x' }, /transportOptions/],
    [{ transport: 1 }, /transport/],
    [{ failoverStrategy: 'robin' }, /round-robin/],
    [{ maxDecompressedBytes: 0 }, /maxDecompressedBytes/],
    [{ reconnect: { maxRetires: 3 } }, /maxRetries/],
    [{ reconnect: { maxRetries: -1 } }, /maxRetries/],
    [{ transportOptions: { visibilityTimeout: 3 } }, /did you mean 'visibilityTimeoutMs'/],
    [{ transportOptions: { visibilityTimeoutMs: -1 } }, /at least 0/],
    [{ transportOptions: { visibilityTimeoutMs: '30' } }, /milliseconds/],
    [{ transportOptions: { order: 'sort' } }, /did you mean 'sorted'/],
    [{ transportOptions: { maxInFlight: 1.5 } }, /whole number/],
    [{ transportOptions: { maxInFlight: 0 } }, /at least 1/],
    [{ transportOptions: { names: [1] } }, /list of strings/],
    [{ transportOptions: { hasOwnProperty: 1 } }, /no option 'hasOwnProperty'/],
  ])('refuse %j', (options, message) => {
    expect(refusalOf('lab://h', options)).toMatch(message);
  });

  it('refuse options that are no object', () => {
    expect(() => new Connection('memory://', null as never)).toThrow(InvalidOptionError);
    expect(() => new Connection('memory://', 'x' as never)).toThrow(InvalidOptionError);
    expect(() => new Connection('')).toThrow(InvalidOptionError);
  });

  it('never show a value that may be a secret', () => {
    const messages = [
      refusalOf('lab://h', { password: { secret: 'hunter2' } }),
      refusalOf('lab://u:hunter2@h:port'),
      refusalOf('lab://h', { transportOptions: { prefix: { password: 'hunter2' } } }),
    ];
    for (const message of messages) expect(message).not.toContain('hunter2');
  });
});

describe('the parameters of a URL', () => {
  it.each([
    ['connect_timeout=2.5', { connectTimeoutMs: 2500 }],
    ['connectTimeoutMs=2500', { connectTimeoutMs: 2500 }],
    ['heartbeat=1.5', { heartbeatMs: 1500 }],
    ['heartbeatMs=1500', { heartbeatMs: 1500 }],
    ['login_method=EXTERNAL', { loginMethod: 'EXTERNAL' }],
    ['loginMethod=AMQPLAIN', { loginMethod: 'AMQPLAIN' }],
    ['insist=1', {}],
    ['virtual_host=v', { virtualHost: 'v' }],
    ['ssl=1', { tls: {} }],
    ['tls=true', { tls: {} }],
    ['ssl=0', { tls: undefined }],
    ['ssl_cert_reqs=none', { tls: { rejectUnauthorized: false } }],
    ['ssl_cert_reqs=CERT_REQUIRED', { tls: { rejectUnauthorized: true } }],
    ['ssl_server_hostname=x', { tls: { servername: 'x' } }],
    ['ssl_ciphers=y', { tls: { ciphers: 'y' } }],
    ['ssl_version=PROTOCOL_TLSv1_2', { tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } }],
    ['visibility_timeout=2', { options: { visibilityTimeoutMs: 2000 } }],
    ['visibilityTimeoutMs=2', { options: { visibilityTimeoutMs: 2 } }],
    ['queue_order=round_robin', { options: { order: 'round_robin' } }],
    ['order=round_robin', { options: { order: 'round_robin' } }],
    ['verbose=yes&prefix=p', { options: { verbose: true, prefix: 'p' } }],
    ['names=a,b', { options: { names: ['a', 'b'] } }],
    ['max_in_flight=7', { options: { maxInFlight: 7 } }],
  ])('%s', async (query, expected) => {
    expect(await targetOf(`lab://h?${query}`)).toMatchObject(expected);
  });

  it('win over the arguments', async () => {
    const options = { connectTimeoutMs: 1, transportOptions: { prefix: 'argument', verbose: true } };
    expect(await targetOf('lab://h?connect_timeout=9&prefix=url', options)).toMatchObject({
      connectTimeoutMs: 9000,
      options: { prefix: 'url', verbose: true },
    });
  });

  it.each([
    ['visibilityTimeout=30', "write 'visibilityTimeoutMs' (milliseconds) or 'visibility_timeout' (seconds)"],
    ['connectTimeout=5', "write 'connectTimeoutMs' (milliseconds) or 'connect_timeout' (seconds)"],
    ['visibilty_timeout=30', "did you mean 'visibility_timeout'"],
    ['hartbeat=30', "did you mean 'heartbeat'"],
    ['ssl_certreqs=none', "did you mean 'ssl_cert_reqs'"],
    ['ssl_cert_reqs=maybe', 'must be one of'],
    ['ssl_check_hostname=x', 'true or false'],
    ['connect_timeout=soon', 'number of seconds'],
    ['connect_timeout=-1', 'number of seconds'],
    ['heartbeatMs=0x10', 'number of milliseconds'],
    ['hostname=x', 'part of the URL'],
    ['transport_options=x', 'cannot be given in a URL'],
    ['weird=x', 'cannot be given in a URL'],
    ['verbose=perhaps', "true or false, not 'perhaps'"],
    ['order=sort', "did you mean 'sorted'"],
    ['max_in_flight=many', "a whole number, not 'many'"],
    ['max_in_flight=1.5', 'a whole number'],
    ['login_method=PLAN', "did you mean 'PLAIN'"],
    ['ssl=perhaps', 'true or false'],
  ])('refuse %s', (query, message) => {
    expect(refusalOf(`lab://h?${query}`)).toContain(message);
  });

  it('do not say again what the path says', () => {
    expect(refusalOf('lab://h/a?virtual_host=b')).toContain('virtual_host');
  });

  it('give a socket its virtual host', async () => {
    expect(await targetOf('lab+socket:///tmp/x.sock?virtual_host=3')).toMatchObject({
      scheme: 'lab+socket',
      hostname: '/tmp/x.sock',
      virtualHost: '3',
    });
  });
});

describe('TLS', () => {
  it('is on for a scheme that says so, and verifies', async () => {
    expect((await targetOf('labs://h')).tls).toEqual({});
    expect((await targetOf('lab://h', { tls: true })).tls).toEqual({});
    expect((await targetOf('lab://h', { tls: { ca: 'x' } })).tls).toEqual({ ca: 'x' });
  });

  it('cannot be contradicted', async () => {
    await expect(targetOf('labs://h', { tls: false })).rejects.toThrow(InvalidOptionError);
    await expect(targetOf('labs://h?ssl=0')).rejects.toThrow(/contradicts/);
  });

  it('reads the files that the parameters name when it connects', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'kombu-tls-'));
    try {
      const file = path.join(folder, 'ca.pem');
      const url = `lab://h?ssl_ca_certs=${encodeURIComponent(file)}&ssl_check_hostname=false`;
      await expect(targetOf(url)).rejects.toThrow(/ssl_ca_certs/);
      await writeFile(file, 'PEM');
      const { tls } = await targetOf(url);
      expect(tls?.ca?.toString()).toBe('PEM');
      expect(tls?.checkServerIdentity?.('a', {} as never)).toBeUndefined();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('bad URLs and options', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom(...'amqp:/@?#%[];,=&+0123456789.-_ \u0000é'.split('')), maxLength: 60 }),
    fc.string({ maxLength: 40 }).map((s) => `lab://${s}`),
    fc.string({ maxLength: 40 }).map((s) => `lab://u:hunter2@h?${s}`),
    fc.stringMatching(/^lab:\/\/[a-z%@:/?#[\];]{0,30}$/),
  );
  const name = fc.oneof(
    fc.constantFrom(
      'transport',
      'port',
      'tls',
      'reconnect',
      'transportOptions',
      'failoverStrategy',
      'hostname',
      '__proto__',
    ),
    fc.string({ maxLength: 12 }),
  );

  const seed = seedOfRun('fuzzed URLs and options');

  it('end in typed errors only, quickly, 20,000 times', () => {
    const { transport } = new Lab();
    const began = performance.now();
    fc.assert(
      fc.property(text, fc.dictionary(name, fc.anything(), { maxKeys: 2 }), (url, options) => {
        try {
          const connection = new Connection(url, { transport, ...options } as ConnectionOptions);
          connection.asUri();
          JSON.stringify(connection.info());
          expect(connection.state).toBe('idle');
        } catch (error) {
          if (!(error instanceof InvalidOptionError)) throw error;
          expect(error.message).not.toContain('hunter2');
        }
      }),
      { numRuns: 20_000, seed },
    );
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('a URL with several hosts', () => {
  const shared = new Lab().transport;

  it('is refused, and it is said how several brokers are named', () => {
    for (const url of ['lab://h1:1,h2:2/v', 'lab://h;lab://h1,h2']) {
      expect(() => new Connection(url, { transport: shared })).toThrow(
        "the lab:// URL has several hosts with ',' between them; write a URL for each host and ';' between the URLs, such as 'lab://host1;lab://host2'",
      );
    }
    expect(() => new Connection('lab://', { transport: shared, hostname: 'h1,h2' })).toThrow(InvalidOptionError);
    expect(new Connection('lab://h1;lab://h2', { transport: shared }).host).toBe('h1');
  });

  it('is taken by transports that say so', () => {
    const transport = { ...shared, takesHostLists: ['lab'] };
    expect(new Connection('lab://h1:1,h2:2/v', { transport }).host).toBe('h1:1,h2:2');
    expect(() => new Connection('labs://h1:1,h2:2/v', { transport })).toThrow(InvalidOptionError);
  });
});

describe('the types of transport options', () => {
  it('are those of the transport, where it is given', () => {
    const { transport } = new Lab();
    const typed = new Connection('lab://h', { transport, transportOptions: { visibilityTimeoutMs: 1 } });
    const plain: Connection = typed;
    expect(plain.host).toBe('h');
    // @ts-expect-error: there is no such option
    expect(() => new Connection('lab://h', { transport, transportOptions: { visibilityTimeout: 1 } })).toThrow();
    // @ts-expect-error: it is a number
    expect(() => new Connection('lab://h', { transport, transportOptions: { visibilityTimeoutMs: 'x' } })).toThrow();
    expect(new Connection<LabOptions>('redis://h', { transportOptions: { prefix: 'p' } }).host).toBe('h:6379');
    expect(new Connection('redis://h', { transportOptions: { anything: 1 } }).host).toBe('h:6379');
  });
});
