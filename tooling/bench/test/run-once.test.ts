import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runOnce } from '../src/run-once.js';

const fixture = (name: string) => path.join(import.meta.dirname, 'fixtures', name);
const settings = { scenario: 'consume', messages: 50, warmUp: 0, silenceMs: 300, restMs: 300 };

describe('runOnce', () => {
  it('gives the figures that a runner prints in its last line', async () => {
    expect(await runOnce(fixture('queue-runner.js'), settings)).toMatchObject({ messages: 50 });
  });

  it.each([
    ['lose-delivered', '1 of 50 messages are missing'],
    ['double-delivered', '1 of 50 messages came twice'],
    ['unsettled', 'stored: 1 messages instead of 0'],
  ])('rejects when a run is not exact: %s', async (fault, message) => {
    await expect(runOnce(fixture('queue-runner.js'), { ...settings, fault })).rejects.toThrow(message);
  });

  it('rejects with what a failed runner wrote, and when there are no figures', async () => {
    await expect(runOnce(fixture('bad-runner.js'), { mode: 'throw' })).rejects.toThrow('3 of 100 messages are missing');
    await expect(runOnce(fixture('bad-runner.js'), { mode: 'silent' })).rejects.toThrow('bad-runner.js failed');
  });

  it('ends a runner that hangs, at its limit and on abort', async () => {
    await expect(runOnce(fixture('bad-runner.js'), { mode: 'hang' }, undefined, 300)).rejects.toThrow('not done after');
    const signal = AbortSignal.timeout(300);
    await expect(runOnce(fixture('bad-runner.js'), { mode: 'hang' }, signal)).rejects.toThrow('timeout');
    await expect(runOnce(fixture('bad-runner.js'), { mode: 'hang' }, AbortSignal.abort())).rejects.toThrow('aborted');
  });
});
