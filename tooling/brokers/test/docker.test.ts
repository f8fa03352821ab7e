import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, startRedis, type TemporaryFolder, temporaryFolder, which } from '@kombu/brokers';

const server = which(['redis-server', 'valkey-server']);

/**
 * A stand-in for the docker program, which runs the real server outside of a container: what is tested is that the right
 * containers are started, stopped and removed, and that a broker in one has its hooks.
 */
const DOCKER = (program: string, folder: string) => `#!/bin/sh
PATH=/usr/local/bin:/usr/bin:/bin
cd ${folder}
echo "$*" >> calls
serve() { ${program} --port "$(cat port)" --bind 127.0.0.1 --save '' --dir ${folder} --appendonly yes --daemonize yes --pidfile ${folder}/pid > /dev/null; }
gone() { while kill -0 "$1" 2> /dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2> /dev/null; do sleep 0.02; done; }
case "$1" in
  info) echo 27.0 ;;
  run) echo "$4" | cut -d: -f2 > port; serve; echo the-id ;;
  start) serve ;;
  stop) pid=$(cat pid); kill "$pid"; gone "$pid" ;;
  kill) pid=$(cat pid); kill -9 "$pid"; gone "$pid" ;;
  pause) kill -STOP "$(cat pid)" ;;
  unpause) kill -CONT "$(cat pid)" ;;
  rm) kill -9 "$(cat pid)" 2> /dev/null; true ;;
esac
`;

describe('a broker in Docker', () => {
  if (server === undefined) {
    it.skip('skipped: there is no redis-server for the stand-in', () => {});
    return;
  }
  const before = { ...process.env };
  let folder: TemporaryFolder;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const docker = path.join(folder.path, 'docker');
    await writeFile(docker, DOCKER(server, folder.path));
    await chmod(docker, 0o755);
    process.env.PATH = folder.path;
    process.env.KOMBU_TEST_NO_INSTALL = '1';
  });

  afterAll(async () => {
    process.env.PATH = before.PATH;
    if (before.KOMBU_TEST_NO_INSTALL === undefined) delete process.env.KOMBU_TEST_NO_INSTALL;
    await folder.remove();
  });

  async function calls(): Promise<string[]> {
    const { readFile } = await import('node:fs/promises');
    return (await readFile(path.join(folder.path, 'calls'), 'utf8')).trim().split('\n');
  }

  it('is started, stopped, killed and removed by its id', async () => {
    const redis = await startRedis();
    if (isUnavailable(redis)) throw new Error(redis.unavailable);
    expect(redis).toMatchObject({ origin: 'docker', pid: undefined });
    await redis.command('SET', 'a', '1');
    await redis.restart?.();
    expect(await redis.command('GET', 'a')).toBe('1');
    await redis.kill?.();
    await expect(redis.command('PING')).rejects.toThrow();
    await redis.start?.();
    expect(await redis.command('PING')).toBe('PONG');
    await redis.close();
    const [info, run, ...rest] = await calls();
    expect(info).toContain('info');
    expect(run).toContain(`run -d -p 127.0.0.1:${redis.port}:6379 redis:`);
    expect(rest).toEqual(['stop the-id', 'start the-id', 'kill -s KILL the-id', 'start the-id', 'rm -f -v the-id']);
  });

  it('is not to be had where a cluster or a socket is asked for; the reason says what was tried', async () => {
    const cluster = await startRedis({ cluster: 3 });
    expect(cluster).toEqual({
      unavailable: expect.stringContaining('redis-server is not on the PATH; KOMBU_TEST_NO_INSTALL'),
    });
    expect(await startRedis({ unixSocket: true })).toEqual({ unavailable: expect.any(String) });
  });
});
