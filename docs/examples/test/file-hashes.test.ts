import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  isUnavailable,
  startConsul,
  startEtcd,
  startMongodb,
  startRabbitmq,
  startRedis,
  startSqs,
  startZookeeper,
} from '@kombu/brokers';
import { readArguments } from '../src/file-hashes/arguments.js';
import { hashFile, listFiles } from '../src/file-hashes/files.js';
import { table } from '../src/file-hashes/report.js';

const brokers = [
  ['redis', await startRedis()],
  ['amqp', await startRabbitmq()],
  ['filesystem', await startFolder()],
  ['sqs', await startService()],
  ['consul', await startShortSessions()],
  ['zookeeper', await startEnsemble()],
  ['etcd', await startStore()],
  ['mongodb', await startDatabase()],
] as const;
const MAIN = path.resolve(import.meta.dirname, '../dist/file-hashes/main.js');

/** A folder is a broker, too. */
async function startFolder() {
  const root = await mkdtemp(path.join(tmpdir(), 'file-hashes-broker-'));
  return { url: `filesystem://${root}`, close: () => rm(root, { recursive: true }) };
}

/** Receives that wait for a second at most: closing waits for them. */
async function startService() {
  const server = await startSqs();
  return { url: `${server.url}?waitTimeMs=1000`, close: () => server.close() };
}

/** Consul gives back what a killed worker held when its session ends: in 20 s at the soonest, where a server does not allow less. */
async function startShortSessions() {
  const server = await startConsul({ sessionTtlMin: '500ms' });
  return isUnavailable(server) ? server : { url: `${server.url}?leaseMs=3000`, close: () => server.close() };
}

/** Its sessions are short, so that what a killed worker held comes back soon. */
async function startEnsemble() {
  const server = await startZookeeper();
  if (isUnavailable(server)) return server;
  return { url: `${server.url}/hashes?leaseMs=2000`, close: () => server.close() };
}

/** Its sessions are short, too. */
async function startStore() {
  const server = await startEtcd();
  return isUnavailable(server) ? server : { url: `${server.url}?leaseMs=2000`, close: () => server.close() };
}

/** A database, with short leases. */
async function startDatabase() {
  const server = await startMongodb();
  return isUnavailable(server) ? server : { url: `${server.url}hashes?leaseMs=2000`, close: () => server.close() };
}

/** Runs the main job as a user does, and resolves with how it ended. */
function job(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe('the main job', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'file-hashes-'));
    await mkdir(path.join(folder, 'deep', 'node_modules'), { recursive: true });
    await Promise.all(
      Array.from({ length: 120 }, (_, i) => writeFile(path.join(folder, `${i}.txt`), 'x'.repeat(i * 97))),
    );
    await writeFile(path.join(folder, 'deep', 'no-extension'), '');
    await writeFile(path.join(folder, 'deep', 'node_modules', 'ünïcode name.ts'), 'export {};\n');
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('hashes every file of a folder over memory://, with workers in the process', async () => {
    const { code, output } = await job(folder, '--workers', '3');
    expect(output).toContain('every digest equals the one computed without messaging');
    expect(output).toMatch(/files +122\n/);
    expect(output).toMatch(/redelivered +0\n/);
    expect(output).toMatch(/worker-3 +\d+ files/);
    expect(code).toBe(0);
  }, 60_000);

  it('ends with exit code 1 and says why when it cannot do its work', async () => {
    const missing = await job(path.join(folder, 'nothing-here'));
    expect(missing).toEqual({ code: 1, output: expect.stringContaining('there is no folder') });
    const refused = await job(folder, '--broker', 'nosuch://localhost');
    expect(refused).toEqual({ code: 1, output: expect.stringContaining('nosuch') });
  }, 60_000);

  it('reads its arguments and refuses those that make no sense', () => {
    expect(readArguments(['/tmp', '--workers', '5', '--broker', 'redis://h', '--kill'])).toEqual({
      folder: '/tmp',
      workers: 5,
      broker: 'redis://h',
      kill: true,
    });
    expect(readArguments([])?.broker).toBe('memory://');
    expect(readArguments(['--help'])).toBeUndefined();
    expect(() => readArguments(['--workers', '0'])).toThrow('--workers');
    expect(() => readArguments(['--kill'])).toThrow('--broker');
    expect(() => readArguments(['a', 'b'])).toThrow('one folder');
    expect(() => readArguments(['--nothing'])).toThrow('--nothing');
  });

  it('leaves generated folders out of the repository, and out of no other folder', async () => {
    expect(await listFiles(folder, true)).not.toContain(path.join('deep', 'node_modules', 'ünïcode name.ts'));
    expect(await listFiles(folder, false)).toContain(path.join('deep', 'node_modules', 'ünïcode name.ts'));
  });

  it('says of a file that cannot be read why', async () => {
    expect(await hashFile(folder, 'gone')).toEqual({ digest: 'unreadable: ENOENT', bytes: 0 });
  });

  it('counts redelivered tasks and files of each worker in its table', () => {
    const result = (file: string, worker: string, redelivered: boolean) => ({
      file,
      worker,
      redelivered,
      digest: '',
      bytes: 1000,
    });
    const results = [result('a', 'worker-1', false), result('b', 'worker-2', true), result('c', 'worker-2', false)];
    const shown = table({ results, messages: 6, seconds: 2, killed: 'worker-1' });
    expect(shown.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['files', '3'],
      ['bytes', '3,000'],
      ['seconds', '2.00'],
      ['messages/s', '3'],
      ['redelivered', '1'],
      ['worker-1', '1 files (killed)'],
      ['worker-2', '2 files'],
    ]);
  });

  describe.each(brokers)('with a worker killed half-way over %s', (_, broker) => {
    if (isUnavailable(broker)) {
      it.skip(`skipped: ${broker.unavailable}`, () => {});
      return;
    }

    afterAll(() => broker.close());

    it('ends complete and correct, and shows what was redelivered', async () => {
      const { code, output } = await job(folder, '--broker', broker.url, '--workers', '3', '--kill');
      expect(output).toContain('every digest equals the one computed without messaging');
      expect(output).toMatch(/files +122\n/);
      expect(output).toMatch(/redelivered +[1-9]/);
      expect(output).toContain('(killed)');
      expect(output).toMatch(/worker-\d was killed: the tasks that it held come back/);
      expect(code).toBe(0);
    }, 120_000);
  });
});
