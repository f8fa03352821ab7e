import { describe, expect, it } from '@jest/globals';
import { closingLines, noReport } from '../lib/closing.js';

const clean = {
  passed: 3,
  failed: 0,
  skips: [],
  unexplained: [],
  failures: [],
  complete: true,
  exitCode: 0,
  timedOut: false,
};

describe('the closing lines of npm test', () => {
  it('are the counts alone when all is well', () => {
    expect(closingLines({ tests: clean, checks: { ...clean, passed: 2 } })).toEqual({
      lines: ['5 passed, 0 failed, 0 skipped'],
      failed: 0,
    });
  });

  it('name each skipped suite once, with its reason', () => {
    const skip = { suite: 'redis > cluster', reason: 'it is not installed' };
    const { lines, failed } = closingLines({ tests: { ...clean, skips: [skip, skip] }, checks: clean });
    expect(lines).toEqual(['skipped: redis > cluster: it is not installed (2 tests)', '6 passed, 0 failed, 2 skipped']);
    expect(failed).toBe(0);
  });

  it.each([
    [{ failed: 2, failures: ['a', 'b'], exitCode: 1 }, ['failed: a', 'failed: b', '6 passed, 2 failed, 0 skipped']],
    [{ unexplained: ['a'] }, ['failed: a: skipped without a reason', '6 passed, 1 failed, 1 skipped']],
    [
      { timedOut: true, complete: false, exitCode: 1 },
      ['failed: the tests were stopped: they took too long', '6 passed, 1 failed, 0 skipped'],
    ],
    [{ complete: false, exitCode: 1 }, ['failed: the tests did not run to their end', '6 passed, 1 failed, 0 skipped']],
    [{ exitCode: 3 }, ['failed: the tests ended with code 3', '6 passed, 1 failed, 0 skipped']],
  ])('fail for %j', (difference, lines) => {
    const closing = closingLines({ tests: { ...clean, ...difference }, checks: clean });
    expect(closing.lines).toEqual(lines);
    expect(closing.failed).toBeGreaterThan(0);
  });

  it('fail for a run that left no report', () => {
    const { lines, failed } = closingLines({
      tests: { ...noReport('the tests'), exitCode: 1, timedOut: false },
      checks: clean,
    });
    expect(lines.at(-1)).toBe('3 passed, 1 failed, 0 skipped');
    expect(failed).toBe(1);
  });
});
