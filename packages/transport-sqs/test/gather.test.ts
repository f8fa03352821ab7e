import { describe, expect, it } from '@jest/globals';
import { deferred } from '@kombu/core';
import { gather } from '../src/gather.js';

const none = (): never => {
  throw new Error('nothing is late');
};

describe('what several receives bring', () => {
  it('comes together', async () => {
    expect(await gather([Promise.resolve([1]), Promise.resolve([]), Promise.resolve([2])], 1000, none)).toEqual([1, 2]);
  });

  it('does not wait for one that is slow: that is somebody else’s', async () => {
    const slow = deferred<readonly number[]>();
    const late: Promise<readonly number[]>[] = [];
    const gathered = gather([Promise.resolve([1]), slow.promise], 20, (receive) => late.push(receive));
    expect(await gathered).toEqual([1]);
    slow.resolve([2]);
    expect(await Promise.all(late)).toEqual([[2]]);
  });

  it('waits for all of them while none has brought anything', async () => {
    const slow = deferred<readonly number[]>();
    const gathered = gather([Promise.resolve([]), slow.promise], 0, none);
    setTimeout(() => slow.resolve([2]), 20);
    expect(await gathered).toEqual([2]);
  });

  it('is delivered although another failed, and nothing but a failure is one', async () => {
    const failed = (): Promise<readonly number[]> => Promise.reject(new Error('says the test'));
    expect(await gather([failed(), Promise.resolve([1])], 1000, none)).toEqual([1]);
    await expect(gather([failed(), Promise.resolve([])], 1000, none)).rejects.toThrow('says the test');
  });
});
