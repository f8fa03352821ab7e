import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fill, section, writeDocs } from '../src/docs.js';
import { mergeResults, readResults, writeResults } from '../src/results.js';
import { someResults } from './results.js';

describe('the results in the documentation', () => {
  let folder: string;
  const at = (...names: string[]) => path.join(folder, ...names);

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kombu-bench-'));
    writeFileSync(at('performance.md'), 'before\n<!-- results -->\nold\n<!-- /results -->\nafter\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('stand between the markers, one part a transport, with their charts, and can be written again', () => {
    writeResults(at('out'), someResults('sqs'), '<svg/>');
    writeResults(at('out'), someResults('redis'), '<svg/>');
    writeDocs(at('out'), folder);
    const page = readFileSync(at('performance.md'), 'utf8');
    expect(page).toMatch(/^before\n<!-- results -->\n\n### redis[\s\S]*### sqs[\s\S]*<!-- \/results -->\nafter\n$/);
    expect(page).not.toContain('old');
    expect(readFileSync(at('performance', 'sqs.svg'), 'utf8')).toBe('<svg/>');
    writeDocs(at('out'), folder);
    expect(readFileSync(at('performance.md'), 'utf8')).toBe(page);
  });

  it('say when and on what they were measured, and mark what is missed, with the reason', () => {
    const text = section(someResults());
    expect(text).toContain(
      '2026-01-02, 2 cores of A <fast> CPU, 8 GB, Linux 6, Node.js 20.20.2, broker 7.0.15, ioredis 6.0.0',
    );
    expect(text).toContain('2 targets met, 1 missed, 1 references not there, 1 failed.');
    expect(text).toContain('| >= 4: **missed**; most of the time is spent in X |');
    expect(text).toContain('| 2.00 (1.80 - 2.20) | >= 1.3: met |');
  });

  it('tell of a run that failed what it said, and nothing of where', () => {
    const error =
      'kombu.js failed (exit code 1): file:///home/me/checks.js:57\n\nError: 1 of 50 messages are missing\n    at /home/me';
    const text = section({ ...someResults(), rows: [{ what: 'broken', error }] });
    expect(text).toContain('| **broken** | | failed: 1 of 50 messages are missing | | | |');
    expect(text).not.toContain('/home/me');
  });

  it('are never those of a quick look, and never none', () => {
    expect(() => writeDocs(at('none'), folder)).toThrow('run the benchmarks first');
    writeResults(at('out'), { ...someResults(), quick: true }, '<svg/>');
    expect(() => writeDocs(at('out'), folder)).toThrow('the results of redis are those of a quick look');
  });

  it('need their markers', () => {
    expect(() => fill('a page without any', 'x')).toThrow('the page has no <!-- results -->');
  });

  it('of one comparison measured again take the place of the old ones only', () => {
    const before = someResults();
    const again = { ...someResults(), rows: [{ ...someResults().rows[1], what: 'idle', date: 'later' }] };
    const merged = mergeResults(before, again, ['publish', 'idle']);
    expect(merged.rows.map(({ what }: { what: string }) => what)).toEqual(['publish', 'idle']);
    expect(merged.rows[1]).toMatchObject({ date: 'later' });
    expect(mergeResults(undefined, again, ['idle'])).toBe(again);
    expect(mergeResults({ ...before, quick: true }, again, ['idle'])).toBe(again);
  });

  it('are read from a folder, which need not be there', () => {
    expect(readResults(at('none'))).toEqual([]);
    writeResults(at('out'), someResults(), '<svg/>');
    expect(readResults(at('out'))).toEqual([someResults()]);
  });
});
