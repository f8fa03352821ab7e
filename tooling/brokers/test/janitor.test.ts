import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';

const LIBRARY = path.join(import.meta.dirname, '..', 'src', 'index.js');

// A parent that starts a server (here: sleep) in a temporary folder, tells about it, and waits.
const PARENT = `
import { spawnServer, temporaryFolder } from ${JSON.stringify(LIBRARY)};
const folder = await temporaryFolder();
const server = await spawnServer({ name: 'sleep', command: 'sleep', args: ['600'], folder: folder.path, ready: () => true, timeoutMs: 5000 });
console.log(JSON.stringify({ pid: server.pid, folder: folder.path }));
if (process.argv[1] === 'exit') process.exit(0);
`;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Gone, or dead and only not yet collected by whoever inherited it. */
async function ended(pid: number): Promise<boolean> {
  if (!alive(pid)) return true;
  const { readFile } = await import('node:fs/promises');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

describe('what a process started', () => {
  it.each(['SIGKILL', 'SIGINT', 'SIGTERM', 'exit'] as const)('is gone after the process ends by %s', async (how) => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT, how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    parent.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await until(() => output.endsWith('\n'), { what: 'the server runs' });
    const { pid, folder } = JSON.parse(output) as { pid: number; folder: string };
    if (how !== 'exit') {
      expect(alive(pid)).toBe(true);
      parent.kill(how);
    }
    await until(async () => (await ended(pid)) && !existsSync(folder), { what: 'nothing is left' });
  });
});

describe('until', () => {
  it('names what it waited for, and the last error', async () => {
    const never = () => {
      throw new Error('refused');
    };
    await expect(until(never, { what: 'the server answers', timeoutMs: 50 })).rejects.toThrow(
      'not within 50 ms: the server answers: refused',
    );
  });
});
