import { describe, expect, it } from '@jest/globals';
import { checkedStrategy, Failover } from '../../src/connection/failover.js';
import { InvalidOptionError } from '../../src/index.js';

const urls = ['a', 'b', 'c'];
const take = (failover: Failover, n: number) => Array.from({ length: n }, () => failover.next());

describe('a failover list', () => {
  it('begins with its first URL, whatever the strategy', () => {
    for (const strategy of ['round-robin', 'shuffle', () => ['z'].values()] as const) {
      expect(new Failover(urls, strategy).current).toBe('a');
    }
  });

  it('goes round in turn', () => {
    expect(take(new Failover(urls, 'round-robin'), 7)).toEqual(['b', 'c', 'a', 'b', 'c', 'a', 'b']);
    expect(take(new Failover(['a'], 'round-robin'), 2)).toEqual(['a', 'a']);
  });

  it('draws lots: every other URL before any again, and none twice in a row', () => {
    for (const lot of [0, 0.5, 0.999]) {
      const failover = new Failover(urls, 'shuffle', () => lot);
      expect(take(failover, 2).sort()).toEqual(['b', 'c']);
      let before = failover.current;
      for (const url of take(failover, 50)) {
        expect(urls).toContain(url);
        expect(url).not.toBe(before);
        before = url;
      }
    }
    expect(take(new Failover(['a'], 'shuffle'), 3)).toEqual(['a', 'a', 'a']);
  });

  it('asks an iterator of its own, again when that is done', () => {
    const strategy = (all: readonly string[]) => [...all].reverse().values();
    expect(take(new Failover(urls, strategy), 5)).toEqual(['c', 'b', 'a', 'c', 'b']);
  });

  it('refuses an iterator that yields nothing, or no text', () => {
    expect(() => new Failover(urls, () => [].values()).next()).toThrow(InvalidOptionError);
    expect(() => new Failover(urls, () => [1 as never].values()).next()).toThrow(InvalidOptionError);
    expect(() => new Failover([], 'round-robin')).toThrow(InvalidOptionError);
  });

  it('names the nearest strategy', () => {
    expect(() => checkedStrategy('roundrobin')).toThrow(/did you mean 'round-robin'/);
    expect(() => checkedStrategy(1)).toThrow(InvalidOptionError);
    expect(checkedStrategy(undefined)).toBe('round-robin');
  });
});
