import { describe, expect, it } from '@jest/globals';
import { measure } from '../src/measure.js';
import { quickly, runComparisons } from '../src/transport-session.js';
import type { Settings } from '../src/types.js';

const A = { name: 'a', runner: 'a.js' };
const B = { name: 'b', runner: 'b.js', settings: { messages: 10 }, atLeast: 2 };
const C = { name: 'c', runner: 'c.js', needs: 'python-kombu' as const, atLeast: 1 };

/** Plays runs: `rates` by runner, one after the other. */
function player(rates: Record<string, number[]>) {
  const calls: { runner: string; settings: Record<string, unknown> }[] = [];
  const runner = async (name: string, settings: Record<string, unknown>): Promise<Record<string, number>> => {
    calls.push({ runner: name, settings });
    const rate = rates[name]?.shift();
    if (rate === undefined) throw new Error(`${name} has no more runs`);
    return { messages: rate, seconds: 1, calls: 7 };
  };
  return { calls, runner };
}

const conditions = { settings: { url: 'x://' }, pairs: 2, warmUp: (own: Settings) => own };

describe('measure', () => {
  it('runs subject and references in turn, drops the warm-up, and compares round by round', async () => {
    const { calls, runner } = player({ 'a.js': [1, 300, 30], 'b.js': [1000, 100, 10], 'c.js': [1, 600, 20] });
    const row = await measure(
      { what: 'w', settings: { messages: 50 }, subject: A, references: [B, C] },
      { ...conditions, runner },
    );
    expect(calls.map((call) => call.runner).join(' ')).toBe('a.js b.js c.js a.js b.js c.js a.js b.js c.js');
    expect(row.subject.figures.rate).toEqual({ median: 165, min: 30, max: 300 });
    expect(row.references[0]).toMatchObject({
      ratio: { median: 3, min: 3, max: 3 },
      verdict: 'met',
      target: { atLeast: 2 },
    });
    expect(row.references[1]).toMatchObject({ ratio: { median: 1, min: 0.5, max: 1.5 }, verdict: 'met' });
  });

  it('gives each run its own settings and an id of its own', async () => {
    const { calls, runner } = player({ 'a.js': [1, 1, 1], 'b.js': [1, 1, 1] });
    await measure({ what: 'w', settings: { messages: 50 }, subject: A, references: [B] }, { ...conditions, runner });
    expect(calls[0]?.settings).toMatchObject({ messages: 50, url: 'x://' });
    expect(calls[1]?.settings).toMatchObject({ messages: 10, url: 'x://' });
    expect(new Set(calls.map(({ settings }) => settings.id)).size).toBe(6);
  });

  it('makes the warm-up as small as it is told, and nothing else', async () => {
    const { calls, runner } = player({ 'a.js': [1, 1, 1], 'b.js': [1, 1, 1] });
    const comparison = { what: 'w', settings: { messages: 50_000 }, subject: A, references: [] };
    await measure(comparison, { ...conditions, warmUp: quickly, runner });
    expect(calls.map(({ settings }) => settings.messages)).toEqual([2_500, 50_000, 50_000]);
  });

  it('leaves out a reference that is not there, and says so', async () => {
    const { runner } = player({ 'a.js': [1, 2, 2], 'b.js': [1, 4, 4] });
    const unavailable = (who: { needs?: string }) => (who.needs === undefined ? undefined : 'no Python');
    const comparison = { what: 'w', settings: {}, subject: A, references: [C, B] };
    const row = await measure(comparison, { ...conditions, unavailable, runner });
    expect(row.references[0]).toEqual({ name: 'c', skipped: 'no Python', target: { atLeast: 1 } });
    expect(row.references[1]).toMatchObject({ ratio: { median: 0.5 }, verdict: 'missed' });
  });

  it('judges the subject itself where the target has no reference', async () => {
    const { runner } = player({ 'a.js': [1, 40, 60] });
    const row = await measure(
      { what: 'w', settings: {}, subject: A, references: [], atMost: 49 },
      { ...conditions, runner },
    );
    expect(row).toMatchObject({ target: { atMost: 49 }, verdict: 'missed' });
  });

  it('rejects where a runner does not print the figure that is compared', async () => {
    const { runner } = player({ 'a.js': [1, 1, 1] });
    const comparison = { what: 'w', figure: 'p50' as const, settings: {}, subject: A, references: [] };
    await expect(measure(comparison, { ...conditions, runner })).rejects.toThrow("a.js printed no figure 'p50'");
  });
});

describe('runComparisons', () => {
  const broker = { url: 'x://', close: async () => {} };
  const options = { pairs: 5, quick: true };
  const bad = { what: 'bad', settings: {}, subject: { name: 'none', runner: 'there-is-none.js' }, references: [] };

  it('turns a run that fails into a row that says so, and goes on', async () => {
    const rows: { what: string; error?: string }[] = [];
    const onRow = (row: { what: string; error?: string }) => rows.push(row);
    await runComparisons({ comparisons: [bad, bad], broker, python: undefined, options, progress: () => {}, onRow });
    expect(rows).toHaveLength(2);
    expect(rows[0]?.error).toContain('there-is-none.js failed');
  });

  it('runs nothing after its deadline, and says so', async () => {
    const rows: { what: string; error?: string }[] = [];
    const onRow = (row: { what: string; error?: string }) => rows.push(row);
    const signal = AbortSignal.abort(new Error('time was over'));
    await runComparisons({ comparisons: [bad], broker, python: undefined, options, progress: () => {}, onRow, signal });
    expect(rows).toEqual([{ what: 'bad', error: 'time was over', notRun: true }]);
  });

  it('takes a twentieth for a quick look, and never less than makes sense', () => {
    expect(quickly({ messages: 40_000, idleMs: 10_000 })).toMatchObject({
      messages: 2_000,
      idleMs: 500,
      warmUp: 200,
    });
    expect(quickly({ messages: 500, prefetch: 7 })).toMatchObject({ messages: 100, prefetch: 7 });
  });
});
