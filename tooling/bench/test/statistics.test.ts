import { describe, expect, it } from '@jest/globals';
import { ratios, spread, spreads } from '../src/statistics.js';

describe('spread', () => {
  it('takes the middle of an odd number, and half-way between the two of an even one', () => {
    expect(spread([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
    expect(spread([10, 2, 4, 100])).toEqual({ median: 7, min: 2, max: 100 });
  });

  it('sorts as numbers, and leaves what it was given as it was', () => {
    const given = [100, 9, 20];
    expect(spread(given).median).toBe(20);
    expect(given).toEqual([100, 9, 20]);
  });

  it('has no median of nothing', () => {
    expect(() => spread([])).toThrow(RangeError);
  });
});

describe('spreads', () => {
  it('tells of each figure that every run has', () => {
    const runs = [
      { rate: 1, calls: 3 },
      { rate: 3, calls: 5 },
      { rate: 2, calls: 4, p99: 1 },
    ];
    expect(spreads(runs)).toEqual({ rate: { median: 2, min: 1, max: 3 }, calls: { median: 4, min: 3, max: 5 } });
  });
});

describe('ratios', () => {
  it('are taken pair by pair: a machine that slows down for one pair moves neither side', () => {
    const subject = [{ rate: 200 }, { rate: 20 }, { rate: 200 }];
    const reference = [{ rate: 100 }, { rate: 10 }, { rate: 100 }];
    expect(ratios(subject, reference, 'rate')).toEqual({ median: 2, min: 2, max: 2 });
  });
});
