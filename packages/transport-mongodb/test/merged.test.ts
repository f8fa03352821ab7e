import { describe, expect, it } from '@jest/globals';
import { deferred, OperationalError } from '@kombu/core';
import { merged } from '../src/merged.js';

const failure = (index: number) => ({ index, error: new OperationalError('BROKER_BUSY', `item ${index}`) });
const items = (...names: readonly string[]) => names.map((name, index) => ({ name, index }));

describe('calls that are merged', () => {
  it('one goes at once; what comes meanwhile goes together, each hears of its own failures', async () => {
    const first = deferred();
    const calls: string[][] = [];
    const call = merged<{ name: string; index: number }>(async (all) => {
      calls.push(all.map(({ name }) => name));
      if (calls.length === 1) await first.promise;
      return all.filter(({ name }) => name.startsWith('bad')).map(({ index }) => failure(index));
    });
    const answers = [call(items('a')), call(items('b', 'bad 1')), call(items('bad 2', 'c', 'bad 3'))];
    first.resolve();
    const [one, two, three] = await Promise.all(answers);
    expect(calls).toEqual([['a'], ['b', 'bad 1', 'bad 2', 'c', 'bad 3']]);
    expect([one, two, three].map((all) => all?.map(({ index }) => index))).toEqual([[], [1], [0, 2]]);
  });

  it('an error is everybody’s who was in the call, and the next call is made', async () => {
    let count = 0;
    const call = merged(async () => {
      count += 1;
      if (count === 1) throw new Error('no');
      return [];
    });
    await expect(call(items('a'))).rejects.toThrow('no');
    await expect(call(items('b'))).resolves.toEqual([]);
  });

  it('no call is larger than a thousand items, unless it came as one', async () => {
    const sizes: number[] = [];
    const call = merged(async (all) => {
      sizes.push(all.length);
      return [];
    });
    const some = items(...Array.from({ length: 600 }, (_, n) => String(n)));
    await Promise.all([call(some), call(some), call(some)]);
    expect(sizes).toEqual([600, 600, 600]);
  });
});
