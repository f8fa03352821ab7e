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

  it('takes parameters by MongoDB’s names, and names the nearest for what nobody knows', () => {
    const options = { transport: mongodb };
    expect(() => new Connection('mongodb://a,b/db?replicaSet=rs0&w=majority', options)).not.toThrow();
    expect(() => new Connection('mongodb://a/db?replicaset=rs0', options)).toThrow(/replicaSet/);
  });
});
