import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Connection } from '@kombu/core';
import { connectionString } from '../src/connection-string.js';
import type { ResolvedOptions } from '../src/driver-context.js';
import { mongodb } from '../src/index.js';
import { mongodbOptionSpecs } from '../src/options.js';
import { targetOf } from './support/driver.js';

function made(url: string, options: object = {}) {
  const defaults = Object.entries(mongodbOptionSpecs).map(([name, spec]) => [name, spec?.default]);
  const resolved = { ...Object.fromEntries(defaults), ...options } as ResolvedOptions;
  return connectionString({ ...targetOf(url), options: resolved, all: [] });
}

describe('the URL that the driver gets', () => {
  it.each([
    ['mongodb://', 'mongodb://127.0.0.1:27017/', 'kombu_default'],
    ['mongodb://host', 'mongodb://host:27017/', 'kombu_default'],
    ['mongodb://host:1234/db', 'mongodb://host:1234/db', 'db'],
    ['mongodb://host//', 'mongodb://host:27017/', 'kombu_default'],
    ['mongodb://u:p%40ss@host/db', 'mongodb://u:p%40ss@host:27017/db', 'db'],
    ['mongodb://a:1,b:2,c/db', 'mongodb://a:1,b:2,c/db', 'db'],
    ['mongodb://[::1]:1234/', 'mongodb://[::1]:1234/', 'kombu_default'],
    ['mongodb+srv://u:p@cluster.example/db', 'mongodb+srv://u:p@cluster.example/db', 'db'],
  ])('%s', (url, uri, database) => {
    expect(made(url)).toMatchObject({ uri, database });
  });

  it('has the parameters that are the driver’s, and defaults for what the URL leaves out', () => {
    const options = { replicaSet: 'rs 0', authSource: 'admin', retryWrites: false };
    expect(made('mongodb://a,b/db', options).uri).toBe(
      'mongodb://a,b/db?replicaSet=rs%200&authSource=admin&retryWrites=false',
    );
    const elsewhere = { defaultHostname: 'h', defaultPort: 1, defaultDatabase: 'd' };
    expect(made('mongodb://', elsewhere)).toMatchObject({ uri: 'mongodb://h:1/', database: 'd' });
  });

  it('shows no password', () => {
    expect(made('mongodb://user:secret@host/db').shown).toBe('mongodb://host:27017/db');
  });

  it('is refused where the driver does not take it, without showing the password', async () => {
    const connection = new Connection('mongodb://user:secret@a,b/db?directConnection=true', {
      transport: mongodb,
      reconnect: false,
    });
    const error = (await connection.connect().catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    expect(error.message).toContain('directConnection');
    expect(error.message).not.toContain('secret');
  });

  it('takes numbers as numbers and as text', () => {
    const options = { maxPoolSize: 4, w: 1, socketTimeoutMS: 1000, zlibCompressionLevel: '6', minPoolSize: '1' };
    expect(made('mongodb://a/db', options).uri).toBe(
      'mongodb://a:27017/db?w=1&zlibCompressionLevel=6&maxPoolSize=4&minPoolSize=1&socketTimeoutMS=1000',
    );
    const transportOptions = { maxPoolSize: 4, w: 1, socketTimeoutMS: 1000 };
    expect(() => new Connection('mongodb://a/db', { transport: mongodb, transportOptions })).not.toThrow();
    expect(made('mongodb://a/db', { w: 'majority' }).uri).toContain('w=majority');
  });

  it.each([
    ['maxPoolSize', 2, '3'],
    ['w', 0, '1'],
    ['socketTimeoutMS', -1, '0'],
  ])('refuses %s below its least, as a number, as text and in the URL', async (name, value, least) => {
    const transport = mongodb;
    const message = new RegExp(`'${name}' must be at least ${least}`);
    const refusal = async (url: string, transportOptions: object) => {
      const connecting = async () => new Connection(url, { transport, transportOptions, reconnect: false }).connect();
      const error = await connecting().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION', message: expect.stringMatching(message) });
    };
    await refusal('mongodb://127.0.0.1:1/db', { [name]: value });
    await refusal('mongodb://127.0.0.1:1/db', { [name]: String(value) });
    await refusal(`mongodb://127.0.0.1:1/db?${name}=${value}`, {});
  });

  it.each(['', 'a$b', '.a', 'a.'])('refuses a collection named %j', async (messagesCollection) => {
    const options = { transport: mongodb, transportOptions: { messagesCollection }, reconnect: false } as const;
    const error = await new Connection('mongodb://127.0.0.1:1/db', options).connect().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    expect(error.message).toContain('messagesCollection');
  });

  it.each(['a.b', 'a b', 'x'.repeat(64), 'a$b'])('refuses a database named %j', async (name) => {
    const options = { transport: mongodb, reconnect: false } as const;
    const connection = new Connection(`mongodb://127.0.0.1:1/${encodeURIComponent(name)}`, options);
    const error = await connection.connect().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    expect(error.message).toContain('database');
  });

  it.each([
    ['TLS to whoever does not answer', { tls: true }, /no TLS, or not be MongoDB/],
    ['whoever does not answer', {}, /need TLS, or not be MongoDB/],
  ])('says what may be wrong with %s', async (_, options, message) => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const given = { transport: mongodb, reconnect: false, connectTimeoutMs: 500, ...options } as const;
    const connection = new Connection(`mongodb://127.0.0.1:${port}/db`, given);
    const error = await connection.connect().catch((thrown: unknown) => thrown);
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => silent.close(closed));
    expect(error).toMatchObject({ code: expect.stringMatching(/CONNECT_(REFUSED|TIMEOUT)$/) });
    expect((error as Error).message).toMatch(message);
  });

  it('takes parameters by MongoDB’s names, and names the nearest for what nobody knows', () => {
    const options = { transport: mongodb };
    expect(() => new Connection('mongodb://a,b/db?replicaSet=rs0&w=majority', options)).not.toThrow();
    expect(() => new Connection('mongodb://a/db?replicaset=rs0', options)).toThrow(/replicaSet/);
  });
});
