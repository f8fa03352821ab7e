import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { run } from '../lib/run.js';

/** Gone, or dead and only not yet collected by whoever inherited it. */
function ended(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
}

describe('running a program', () => {
  it('resolves with its code and output', async () => {
    const script = 'process.stdin.pipe(process.stdout); console.error("e"); process.exitCode = 3';
    expect(await run(process.execPath, ['-e', script], { quiet: true, input: 'in' })).toEqual({
      code: 3,
      output: expect.stringMatching(/^(ine\n|e\nin)$/),
      timedOut: false,
    });
    expect(await run('no-such-program', [], { quiet: true })).toMatchObject({
      code: 1,
      output: expect.stringContaining('ENOENT'),
    });
  });

  it('ends it with all that it started when it takes too long', async () => {
    const { code, output, timedOut } = await run('sh', ['-c', 'sleep 60 & echo $!; wait'], {
      quiet: true,
      timeoutMs: 500,
    });
    expect({ code, timedOut }).toEqual({ code: 1, timedOut: true });
    await until(() => ended(Number(output)), { what: 'the grandchild is gone' });
  });
});
