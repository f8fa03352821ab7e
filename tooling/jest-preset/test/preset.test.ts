import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures');
const JEST = path.resolve(import.meta.dirname, '../../../node_modules/jest/bin/jest.js');

interface Report {
  passed: number;
  failed: number;
  skips: { suite: string; reason: string }[];
  unexplained: string[];
  failures: string[];
  complete: boolean;
}

/** Runs jest over fixtures, two of them so that they are in workers, which jest ends by itself. */
async function jest(...names: string[]) {
  const folder = await mkdtemp(path.join(tmpdir(), 'kombu-preset-'));
  const report = path.join(folder, 'report.json');
  const child = spawn(
    process.execPath,
    ['--experimental-vm-modules', JEST, ...names.map((name) => `${name}.fixture`)],
    {
      cwd: FIXTURES,
      env: { ...process.env, KOMBU_TEST_REPORT: report },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number];
  const written = JSON.parse(await readFile(report, 'utf8')) as Report;
  await rm(folder, { recursive: true });
  return { code, output, report: written };
}

describe('the preset', () => {
  it('fails a file that leaves a handle open, though its tests pass, and names it', async () => {
    const { code, output, report } = await jest('interval', 'server');
    expect(code).toBe(1);
    expect(output).toContain('open handles when the tests of this file were over: 1 Timeout');
    expect(output).toMatch(/over: 1 (TCPServerWrap|TCPSocketWrap)/);
    expect(report).toMatchObject({ passed: 2, failed: 2, complete: true });
    expect(report.failures).toEqual(
      expect.arrayContaining([
        expect.stringContaining('interval.fixture.ts'),
        expect.stringContaining('server.fixture.ts'),
      ]),
    );
  }, 60_000);

  it('says of a socket that was left open between which ports it is, and who has opened it', async () => {
    const { code, output } = await jest('socket', 'tidy');
    expect(code).toBe(1);
    expect(output).toMatch(/from port (\d+) to port (\d+), opened\n.*socket\.fixture\.ts:\d+/);
    expect(output).toMatch(/accepted at port \d+, from port \d+/);
  }, 60_000);

  it('passes a file that closes what it opened, whatever that was', async () => {
    const { code, report } = await jest('tidy');
    expect(report).toMatchObject({ passed: 1, failed: 0, skips: [], unexplained: [] });
    expect(code).toBe(0);
  }, 60_000);

  it('reports skips with their reason, and those without one apart', async () => {
    const { code, report } = await jest('skips', 'broken');
    expect(code).toBe(1);
    expect(report.skips).toEqual([{ suite: 'fixtures > a broker', reason: 'it is not installed' }]);
    expect(report.unexplained).toEqual([expect.stringContaining('no reason given'), expect.stringContaining('later')]);
    expect(report).toMatchObject({ passed: 0, failed: 2, complete: true });
    expect(report.failures).toEqual(
      expect.arrayContaining([expect.stringContaining('skips.fixture.ts: fails'), expect.stringContaining('broken')]),
    );
  }, 60_000);
});
