import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Connection, registerTransport } from '../../src/index.js';
import { Lab } from './support/lab.js';

describe('what a connection says of itself', () => {
  it.each([
    [undefined, 'amqp://guest:**@localhost:5672//', 'localhost:5672'],
    ['amqp://', 'amqp://localhost:5672//', 'localhost:5672'],
    ['amqps://u:secret@h/v', 'amqps://u:**@h:5671/v', 'h:5671'],
    ['redis://:secret@h/2', 'redis://:**@h:6379/2', 'h:6379'],
    ['mongodb://u:secret@h1:1,h2:2/0', 'mongodb://u:**@h1:1,h2:2/0', 'h1:1,h2:2'],
    ['redis://[::1]', 'redis://[::1]:6379', '[::1]:6379'],
    [
      'redis+socket://:secret@/tmp/x.sock?virtual_host=3',
      'redis+socket://:**@/tmp/x.sock?virtual_host=3',
      '/tmp/x.sock',
    ],
    ['sqs://key:secret@', 'sqs://key:**@', ''],
    ['memory://', 'memory://', ''],
    ['filesystem:///var/spool', 'filesystem:///var/spool', ''],
  ])('%s is %s', (url, uri, host) => {
    const connection = new Connection(url);
    expect(connection.asUri()).toBe(uri);
    expect(`${connection}`).toBe(uri);
    expect(connection.host).toBe(host);
    expect(connection.asUri({ mask: '' })).not.toContain('secret');
    expect(connection.asUri({ includePassword: true })).toBe(uri.replace('**', url === undefined ? 'guest' : 'secret'));
    expect(inspect(connection, { depth: 9, showHidden: true })).not.toContain('secret');
  });

  it('has the defaults of amqp when it is given nothing, or only arguments', () => {
    const uri = (options: object) => new Connection(undefined, options).asUri({ includePassword: true });
    expect(uri({})).toBe('amqp://guest:guest@localhost:5672//');
    expect(uri({ hostname: 'h', virtualHost: 'v' })).toBe('amqp://guest:guest@h:5672/v');
    expect(uri({ userid: 'u', password: 'p', tls: true })).toBe('amqp://u:p@localhost:5671//');
    expect(uri({ loginMethod: 'EXTERNAL' })).toBe('amqp://localhost:5672//');
    expect(uri({ transport: 'redis', hostname: 'h' })).toBe('redis://h:6379');
  });

  it('is fit for JSON and has no password', () => {
    const lab = new Lab();
    const options = {
      transport: lab.transport,
      transportOptions: { weird: { password: 'hunter2', n: 1n, fn() {}, list: [new Uint8Array(1)] } },
      failoverStrategy: () => [].values(),
    };
    const info = new Connection('lab://u:hunter2@h:1/v?tls=1;lab://u:hunter2@i', options).info();
    expect(JSON.stringify(info)).not.toContain('hunter2');
    expect(JSON.parse(JSON.stringify(info))).toEqual({
      transport: 'lab',
      hostname: 'h',
      port: 1,
      userid: 'u',
      virtualHost: 'v',
      tls: true,
      connectTimeoutMs: 5000,
      heartbeatMs: null,
      loginMethod: null,
      failoverStrategy: 'custom',
      alternates: ['lab://u:**@h:1/v?tls=1', 'lab://u:**@i'],
      transportOptions: { weird: { password: '**', n: '1', fn: '[function]', list: ['[object]'] } },
    });
  });

  it('is the same for a clone, but for what the clone has of its own', async () => {
    const lab = new Lab();
    registerTransport({ ...lab.transport, schemes: ['cloned'] });
    const connection = new Connection('cloned://a', { heartbeatMs: 5, userid: 'u' });
    const clone = connection.clone({ heartbeatMs: 6 });
    expect(clone.info()).toEqual({ ...connection.info(), heartbeatMs: 6 });
    expect(clone.id).not.toBe(connection.id);
    expect(connection.clone({ url: 'cloned://b' }).host).toBe('b');
    expect(clone.heartbeatIntervalMs).toBe(6);
    await connection.close();
    await clone.connect();
    expect(clone.driver).toEqual({ lab: true });
    await clone.close();
  });
});
