import { describe, expect, it } from '@jest/globals';
import {
  compareTimetuples,
  LamportClock,
  LaxBoundedSemaphore,
  oidFrom,
  QoS,
  TokenBucket,
  timetuple,
  uuid,
} from '../../src/index.js';
import { ManualClock } from '../support/manual-clock.js';

describe('QoS', () => {
  function told(initial: number) {
    const calls: number[] = [];
    return { calls, qos: new QoS((n) => calls.push(n), initial) };
  }

  it('tells the broker only what has changed', async () => {
    const { calls, qos } = told(10);
    expect(await qos.update()).toBe(10);
    await qos.update();
    expect(qos.incrementEventually()).toBe(11);
    expect(qos.incrementEventually(3)).toBe(14);
    expect(qos.decrementEventually()).toBe(13);
    await qos.update();
    expect(calls).toEqual([10, 13]);
  });

  it('never goes below 1', () => {
    const { qos } = told(2);
    expect(qos.decrementEventually(9)).toBe(1);
    expect(qos.decrementEventually()).toBe(1);
  });

  it('keeps 0, no limit, and tells what AMQP cannot say as 0', async () => {
    const { calls, qos } = told(0);
    expect(qos.incrementEventually()).toBe(0);
    expect(qos.decrementEventually()).toBe(0);
    await qos.set(65_535);
    await qos.set(65_536);
    expect(calls).toEqual([65_535, 0]);
  });

  it('tells again what could not be told', async () => {
    let fail = true;
    const calls: number[] = [];
    const qos = new QoS((n) => {
      if (fail) throw new Error('no link');
      calls.push(n);
    }, 3);
    await expect(qos.update()).rejects.toThrow('no link');
    fail = false;
    await qos.update();
    expect(calls).toEqual([3]);
  });

  it('refuses what is no number', () => {
    expect(() => told(-1)).toThrow('whole number');
  });
});

describe('TokenBucket', () => {
  it('fills with time and says when there will be enough', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket(2, 3, clock);
    expect([bucket.canConsume(3), bucket.canConsume()]).toEqual([true, false]);
    expect(bucket.expectedTime()).toBe(500);
    await clock.advance(500);
    expect(bucket.expectedTime()).toBe(0);
    expect([bucket.canConsume(), bucket.canConsume()]).toEqual([true, false]);
    await clock.advance(60_000);
    expect(bucket.canConsume(3)).toBe(true);
    expect(bucket.canConsume(0.5)).toBe(false);
  });

  it('holds what has to wait', () => {
    const bucket = new TokenBucket<string>(1);
    bucket.add('a');
    bucket.add('b');
    expect(bucket.contents).toEqual(['a', 'b']);
    expect(bucket.pop()).toBe('a');
    bucket.clearPending();
    expect(bucket.pop()).toBeUndefined();
  });

  it('refuses a rate of nothing', () => {
    expect(() => new TokenBucket(0)).toThrow('greater than 0');
  });
});

describe('LaxBoundedSemaphore', () => {
  it('calls at once while there is room, and in order when there is again', () => {
    const seen: string[] = [];
    const places = new LaxBoundedSemaphore(2);
    const push = (text: string): void => void seen.push(text);
    expect(['1', '2', '3', '4'].map((n) => places.acquire(push, n))).toEqual([true, true, false, false]);
    expect([places.value, places.waiting]).toEqual([0, 2]);
    places.release();
    expect(seen).toEqual(['1', '2', '3']);
    places.release();
    expect(seen).toEqual(['1', '2', '3', '4']);
    for (let i = 0; i < 5; i++) places.release();
    expect(places.value).toBe(2);
  });

  it('grows, shrinks and is cleared', () => {
    const seen: number[] = [];
    const places = new LaxBoundedSemaphore(1);
    for (const n of [1, 2, 3, 4]) places.acquire((x: number) => void seen.push(x), n);
    places.grow(2);
    expect(seen).toEqual([1, 2, 3]);
    expect(places.initialValue).toBe(3);
    places.shrink(1);
    places.clear();
    expect([places.value, places.waiting, places.initialValue]).toEqual([2, 0, 2]);
    places.shrink(5);
    expect([places.value, places.initialValue]).toEqual([0, 0]);
    expect(() => places.grow(0.5)).toThrow('whole number');
  });
});

describe('LamportClock', () => {
  it('goes forward, and behind the clocks of others', () => {
    const clock = new LamportClock(5);
    expect([clock.forward(), clock.adjust(10), clock.adjust(3), clock.value]).toEqual([6, 11, 12, 12]);
    expect(clock.adjust(Number.NaN)).toBe(13);
    expect(String(clock)).toBe('13');
    expect(() => new LamportClock(-1)).toThrow('whole number');
  });

  it('finds the first of events, by the process where clocks are equal', () => {
    const clock = new LamportClock();
    expect(clock.sortHeap([])).toBeUndefined();
    expect(clock.sortHeap([[1, 'b']])).toEqual([1, 'b']);
    expect(
      clock.sortHeap([
        [1, 'b', 'x'],
        [1, 'a', 'y'],
        [2, '0', 'z'],
      ]),
    ).toEqual([1, 'a', 'y']);
    expect(
      clock.sortHeap([
        [1, 'b'],
        [2, 'a'],
      ]),
    ).toEqual([1, 'b']);
  });
});

describe('timetuple', () => {
  it('is ordered by clock, process, and time where there is no clock', () => {
    const events = [timetuple(2, 1, 'a:1'), timetuple(1, 9, 'b:1'), timetuple(1, 8, 'a:1', { any: 'thing' })];
    expect(events.toSorted(compareTimetuples).map(({ clock, id }) => `${clock} ${id}`)).toEqual([
      '1 a:1',
      '1 b:1',
      '2 a:1',
    ]);
    expect(compareTimetuples(timetuple(0, 5, 'a'), timetuple(9, 4, 'b'))).toBe(1);
    expect(compareTimetuples(timetuple(3, 5, 'a'), timetuple(3, 4, 'a'))).toBe(0);
    expect(Object.isFrozen(events[0])).toBe(true);
  });
});

describe('ids', () => {
  it('are UUIDs', () => {
    expect(uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuid()).not.toBe(uuid());
  });

  it('of objects are the same for the same object only', () => {
    const [a, b] = [{}, {}];
    expect(oidFrom(a)).toBe(oidFrom(a));
    expect(oidFrom(a)).not.toBe(oidFrom(b));
    expect(oidFrom(a)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
