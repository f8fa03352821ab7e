import { describe, expect, it } from '@jest/globals';
import { figuresOf, formatFigure } from '../src/figures.js';
import { timeLeft } from '../src/progress.js';
import { countVerdicts, describeRow } from '../src/report.js';
import { drawChart } from '../src/svg.js';
import { describeTarget, verdictOf } from '../src/verdict.js';
import { someResults } from './results.js';

const [publish, idle, broken] = someResults().rows;

describe('the report', () => {
  it('shows medians, the least and the most, the ratio, and whether the target is met', () => {
    const text = describeRow(publish);
    expect(text).toContain('@kombu/core                120,000 messages/s  (108,000 - 132,000)');
    expect(text).toContain('client CPU 8.0 µs/message, calls 16 per 1,000 messages');
    expect(text).toContain('ratio 2.00 (1.80 - 2.20), target >= 1.3: met');
    expect(text).toContain('ratio 3.00 (2.70 - 3.30), target >= 4: MISSED (most of the time is spent in X)');
    expect(text).toContain('skipped, there is no Python with Kombu here');
    expect(describeRow(idle)).toContain('0.20 % of a core  (0.18 - 0.22), target <= 2: met');
    expect(describeRow(broken)).toBe('broken\n  FAILED: 1 of 50 messages are missing');
  });

  it('counts what is met, missed, skipped and failed', () => {
    const rows = [...someResults().rows, { what: 'late', error: 'the time was over', notRun: true }];
    expect(countVerdicts(rows)).toEqual({ met: 2, missed: 1, skipped: 1, failed: 1, notRun: 1 });
  });

  it('rounds nothing in favour of a target', () => {
    expect(verdictOf(1.2999, { atLeast: 1.3 })).toBe('missed');
    expect(verdictOf(1.3, { atLeast: 1.3 })).toBe('met');
    expect(verdictOf(2.0001, { atMost: 2 })).toBe('missed');
    expect(verdictOf(5, undefined)).toBeUndefined();
    expect(verdictOf(Number.NaN, { atLeast: 1 })).toBe('missed');
    expect(describeTarget({ atLeast: 1, atMost: 2 })).toBe('>= 1 and <= 2');
  });

  it('works out a rate itself, and takes no figure that it does not know', () => {
    expect(figuresOf({ messages: 500, seconds: 2, calls: 3, sinceFirst: 1 })).toEqual({ rate: 250, calls: 3 });
    expect(formatFigure('p50', 0.12345)).toBe('0.123 ms');
  });

  it('says how long it will go on', () => {
    expect(timeLeft(0, 0, 10)).toBe('');
    expect(timeLeft(10_000, 1, 4)).toBe('about 30 s left');
    expect(timeLeft(60_000, 1, 11)).toBe('about 10 min left');
  });
});

describe('the chart', () => {
  const svg = drawChart(someResults());

  it('has a bar for each that was measured, as long as its median', () => {
    const widths = [...svg.matchAll(/width="([\d.]+)" height="18"/g)].map((match) => Number(match[1]));
    expect(widths).toHaveLength(4);
    expect(widths[0]).toBeCloseTo((widths[1] ?? 0) * 2, 0);
    expect(widths[0]).toBeCloseTo((widths[2] ?? 0) * 3, 0);
  });

  it('is well-formed: every element is closed, and names are escaped', () => {
    expect(svg).toContain('BullMQ &lt;add&gt;');
    const open: string[] = [];
    for (const [tag, closing, name, , selfClosing] of svg.matchAll(/<(\/?)([a-z]+)((?:\s[^<>]*?)?)(\/?)>/g)) {
      expect(tag).not.toContain('NaN');
      if (selfClosing) continue;
      if (closing) expect(open.pop()).toBe(name);
      else open.push(name ?? '');
    }
    expect(open).toEqual([]);
    expect(svg.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]/);
  });

  it('can be drawn of nothing', () => {
    expect(drawChart({ name: 'empty', rows: [{ what: 'x', error: 'y' }] })).toContain('</svg>');
  });
});
