import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { systemClock } from '../../src/util/clock.js';

const DAY_MS = 86_400_000;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('after', () => {
  it('waits longer than a timer of Node can', () => {
    let fired = 0;
    systemClock.after(60 * DAY_MS, () => fired++);
    jest.advanceTimersByTime(60 * DAY_MS - 1);
    expect(fired).toBe(0);
    jest.advanceTimersByTime(1);
    expect(fired).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is taken back at any time of a long wait', () => {
    let fired = 0;
    const cancel = systemClock.after(60 * DAY_MS, () => fired++, { unref: true });
    jest.advanceTimersByTime(40 * DAY_MS);
    cancel();
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(40 * DAY_MS);
    expect(fired).toBe(0);
  });
});
