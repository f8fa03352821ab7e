import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  aptInstall,
  isUnavailable,
  startRabbitmq,
  startRedis,
  type TemporaryFolder,
  temporaryFolder,
  which,
} from '@kombu/brokers';

describe('finding a server', () => {
  const before = { ...process.env };
  let folder: TemporaryFolder;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });

  afterEach(async () => {
    for (const name of [
      'PATH',
      'KOMBU_TEST_NO_INSTALL',
      'KOMBU_TEST_REDIS_URL',
      'KOMBU_TEST_AMQP_URL',
      'KOMBU_CACHE',
    ]) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await folder.remove();
  });

  it('takes a file that can be run, never a folder', async () => {
    await mkdir(path.join(folder.path, 'tool'));
    expect(which(['tool'], [folder.path])).toBeUndefined();
    const file = path.join(folder.path, 'tool2');
    await writeFile(file, '#!/bin/sh\n');
    expect(which(['tool', 'tool2'], [folder.path])).toBeUndefined();
    await chmod(file, 0o755);
    expect(which(['tool', 'tool2'], [folder.path])).toBe(file);
  });

  it('uses the broker of the environment and has no hooks to stop it', async () => {
    const redis = await startRedis();
    if (isUnavailable(redis)) return;
    process.env.KOMBU_TEST_REDIS_URL = redis.url;
    const same = await startRedis();
    if (isUnavailable(same)) throw new Error(same.unavailable);
    expect(same).toMatchObject({ origin: 'env', url: redis.url, version: redis.version });
    expect([same.stop, same.start, same.restart, same.kill, same.killConnections]).toEqual(Array(5).fill(undefined));
    await same.close();
    expect(await redis.command('PING')).toBe('PONG');
    await redis.close();
  });

  it('says so when nothing answers at the URL of the environment', async () => {
    process.env.KOMBU_TEST_REDIS_URL = 'redis://127.0.0.1:1/0';
    process.env.KOMBU_TEST_AMQP_URL = 'amqp://127.0.0.1:1//';
    expect(await startRedis()).toEqual({ unavailable: expect.stringContaining('KOMBU_TEST_REDIS_URL is set') });
    expect(await startRabbitmq()).toEqual({ unavailable: expect.stringContaining('KOMBU_TEST_AMQP_URL is set') });
  });

  it('does not install where that is forbidden, and remembers a failure', async () => {
    process.env.KOMBU_TEST_NO_INSTALL = '1';
    expect(await aptInstall(['x'])).toContain('KOMBU_TEST_NO_INSTALL');
    delete process.env.KOMBU_TEST_NO_INSTALL;
    if (process.getuid?.() !== 0) return;
    process.env.KOMBU_CACHE = folder.path;
    const log = path.join(folder.path, 'log');
    const apt = path.join(folder.path, 'apt-get');
    await writeFile(apt, `#!/bin/sh\necho "$@" >> ${log}\necho E: no such package >&2\nexit 100\n`);
    await chmod(apt, 0o755);
    process.env.PATH = `${folder.path}${path.delimiter}${process.env.PATH}`;
    const reason = await aptInstall(['no-such-server']);
    expect(reason).toBe('apt-get install no-such-server: E: no such package');
    expect(await aptInstall(['no-such-server'])).toBe(reason);
    const { readFile } = await import('node:fs/promises');
    const calls = (await readFile(log, 'utf8')).trim().split('\n');
    expect(calls.map((line) => line.split(' ')[0])).toEqual(['install', 'update', 'install']);
  });
});
