import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jitterCeiling, plainInterval, resolveRetryPolicy, retryInterval } from '../../src/connection/retry.js';
import { ChannelError, InvalidOptionError, OperationalError, retryOverTime, TimeoutError } from '../../src/index.js';
import { ManualClock, settle } from './support/manual-clock.js';

const intervals = (intervalStartMs: number, intervalStepMs: number, intervalMaxMs: number) => ({
  intervalStartMs,
  intervalStepMs,
  intervalMaxMs,
});
const first = (n: number, i: ReturnType<typeof intervals>) => Array.from({ length: n }, (_, k) => plainInterval(k, i));
const busy = () => new OperationalError('BROKER_BUSY', 'busy');

describe('waits without jitter', () => {
  it("are Kombu's", () => {
    expect(first(18, intervals(2, 2, 30))).toEqual([
      2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 32, 32,
    ]);
    expect(first(8, intervals(0, 200, 1000))).toEqual([0, 200, 400, 600, 800, 1000, 1000, 1000]);
    expect(first(4, intervals(1, 1, 1))).toEqual([1, 2, 2, 2]);
    expect(first(3, intervals(5, 0, 30))).toEqual([5, 5, 5]);
    expect(first(3, intervals(5, 50, 30))).toEqual([5, 5, 5]);
  });

  it('are those of a loop that adds the step while it is at most max + start', () => {
    const number = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(number, fc.integer({ min: 1, max: 5000 }), number, (start, step, max) => {
        let value = start;
        for (let n = 0; n < 50; n++) {
          expect(plainInterval(n, intervals(start, step, max))).toBe(value);
          if (value + step <= max + start) value += step;
        }
      }),
    );
  });
});

describe('waits with jitter', () => {
  it('are random up to a ceiling that grows exponentially to the maximum', () => {
    const i = intervals(2000, 2000, 30_000);
    expect([0, 1, 2, 3, 4, 50, 5000].map((n) => jitterCeiling(n, i))).toEqual([
      2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
    const number = fc.integer({ min: 0, max: 100_000 });
    fc.assert(
      fc.property(
        number,
        number,
        number,
        fc.nat(60),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (a, b, c, n, lot) => {
          const policy = resolveRetryPolicy(intervals(a, b, c), i);
          const wait = retryInterval(n, policy, () => lot);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(jitterCeiling(n, policy));
          expect(wait).toBeLessThanOrEqual(c);
          expect(jitterCeiling(n + 1, policy)).toBeGreaterThanOrEqual(jitterCeiling(n, policy));
        },
      ),
    );
  });
});

describe('a retry policy', () => {
  it.each([
    [{ maxRetry: 1 }, /did you mean 'maxRetries'/],
    [{ maxRetries: 1.5 }, /maxRetries/],
    [{ intervalStartMs: 'x' }, /intervalStartMs/],
    [{ jitter: 1 }, /jitter/],
    [{ onError: 1 }, /onError/],
    [{ retryErrors: 'x' }, /retryErrors/],
    ['x', /object/],
  ])('refuses %j', (policy, message) => {
    expect(() => resolveRetryPolicy(policy as never, intervals(1, 1, 1))).toThrow(InvalidOptionError);
    expect(() => resolveRetryPolicy(policy as never, intervals(1, 1, 1))).toThrow(message);
  });
});

describe('retryOverTime', () => {
  it('waits as Kombu does, tells of each failure, and returns what came of it', async () => {
    const clock = new ManualClock();
    const told: [string, number][] = [];
    const attempts: number[] = [];
    const done = retryOverTime(
      ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw busy();
        return 'done';
      },
      { jitter: false, onError: (error, interval) => told.push([error.code, interval]) },
      clock,
    );
    await clock.advance(2000 + 4000 + 6000);
    await expect(done).resolves.toBe('done');
    expect(attempts).toEqual([0, 1, 2, 3]);
    expect(told).toEqual([2000, 4000, 6000].map((ms) => ['ERR_KOMBU_BROKER_BUSY', ms]));
    expect(clock.running).toBe(0);
  });

  it.each([0, 1, 3])(
    'makes at most one more call than maxRetries %d, and throws the last error as it is',
    async (maxRetries) => {
      let calls = 0;
      const last = busy();
      const failing = () => {
        calls++;
        throw last;
      };
      await expect(retryOverTime(failing, { maxRetries, intervalStartMs: 0, intervalStepMs: 0 })).rejects.toBe(last);
      expect(calls).toBe(maxRetries + 1);
    },
  );

  it('does not try again what cannot succeed, unless the policy names it', async () => {
    const missing = new ChannelError('NOT_FOUND', 'no queue');
    let calls = 0;
    const fn = () => {
      calls++;
      throw missing;
    };
    const waits = { intervalStartMs: 0, intervalStepMs: 0, maxRetries: 2 };
    await expect(retryOverTime(fn, waits)).rejects.toBe(missing);
    expect(calls).toBe(1);
    await expect(retryOverTime(fn, { ...waits, retryErrors: ['ERR_KOMBU_NOT_FOUND'] })).rejects.toBe(missing);
    expect(calls).toBe(4);
    await expect(retryOverTime(fn, { ...waits, retryErrors: (error) => error === missing })).rejects.toBe(missing);
    expect(calls).toBe(7);
  });

  it('ends at its deadline with the last error, or with TimeoutError when there was none', async () => {
    const clock = new ManualClock();
    const failing = retryOverTime(() => Promise.reject(busy()), { timeoutMs: 5000, jitter: false }, clock);
    failing.catch(() => {});
    await clock.advance(5000);
    await expect(failing).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    const hanging = retryOverTime(() => new Promise(() => {}), { timeoutMs: 5000 }, clock);
    hanging.catch(() => {});
    await clock.advance(5000);
    await expect(hanging).rejects.toThrow(TimeoutError);
    expect(clock.running).toBe(0);
  });

  it('ends at once when its signal is aborted', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const failing = retryOverTime(() => Promise.reject(busy()), { signal: controller.signal }, clock);
    failing.catch(() => {});
    await settle();
    controller.abort(new Error('enough'));
    await expect(failing).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED', cause: new Error('enough') });
    expect(clock.running).toBe(0);
  });
});
