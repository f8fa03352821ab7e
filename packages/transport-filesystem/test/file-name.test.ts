import { describe, expect, it } from '@jest/globals';
import {
  decodeName,
  encodeName,
  fits,
  formatFileName,
  NameGiver,
  orderOf,
  parseFileName,
  restamp,
} from '../src/file-name.js';

const PYTHON = '1550091_bf2f6851-4934-437f-b643-0cb2216bca17.video.msg';

describe('the names of files', () => {
  it('take what stands between the UUID and .msg for the queue, exactly', () => {
    expect(parseFileName(PYTHON)?.queue).toBe('video');
    expect(parseFileName(PYTHON.replace('video', 'x.video'))?.queue).toBe('x.video');
    expect(parseFileName(PYTHON.replace('video', 'video.msg'))?.queue).toBe('video.msg');
    for (const other of ['video.msg', `.${PYTHON}`, `${PYTHON}.tmp`, '1_2.video.msg', '.kombu', 'control']) {
      expect(parseFileName(other)).toBeUndefined();
    }
  });

  it('encode what no name of a file can have, and nothing else', () => {
    for (const name of [
      'a/b',
      'a%2Fb',
      'a%252Fb',
      '%',
      '%%2F',
      '.',
      '..',
      '...',
      '%2E',
      'ü ☃',
      'nul\0nul',
      'celery@h.celery.pidbox',
      '50%25',
      '\n',
    ]) {
      expect(decodeName(encodeName(name))).toBe(name);
      expect(encodeName(name)).not.toMatch(/[/\0]|^\.{1,2}$/);
      expect(parseFileName(new NameGiver(() => 1).give(name, 3, false))?.queue).toBe(name);
    }
    expect(encodeName('50% off')).toBe('50% off');
    expect(encodeName('a/b')).not.toBe(encodeName('a%2Fb'));
  });

  it('say whether a queue can have files', () => {
    expect(fits('q'.repeat(150))).toBe(true);
    expect(fits('q'.repeat(151))).toBe(false);
    expect(fits('ü'.repeat(76))).toBe(false);
  });

  it('are given in order and never twice, also when the clock is set back', () => {
    let now = 1_764_000_000_000;
    const giver = new NameGiver(() => now);
    const names = Array.from({ length: 10_000 }, (_, i) => {
      if (i === 5000) now -= 60_000;
      return giver.give('q', 0, false);
    });
    const orders = names.map((name) => orderOf(parseFileName(name) as never, 0));
    expect(orders).toEqual([...orders].sort());
    expect(new Set(names).size).toBe(10_000);
  });

  it('order by priority, then by the wall clock, and Python’s by the time of the file', () => {
    const at = (ms: number, priority = 0): string =>
      orderOf(parseFileName(new NameGiver(() => ms).give('video', priority, false)) as never, 0);
    const python = orderOf(parseFileName(PYTHON) as never, 2_000_000_000_000);
    expect(at(1_999_999_999_999) < python).toBe(true);
    expect(python < at(2_000_000_000_001)).toBe(true);
    expect(at(2_000_000_000_001, 9) < python).toBe(true);
  });

  it('keep their place when a file is put back, flagged or not', () => {
    const mine = new NameGiver(() => 5).give('q', 7, false);
    const parsed = parseFileName(mine);
    if (parsed === undefined) throw new Error('not parsed');
    expect(restamp(parsed, 0, false)).toBe(mine);
    const flagged = parseFileName(restamp(parsed, 0, true));
    expect(flagged?.own).toEqual({ ...parsed.own, redelivered: true });
    expect(flagged?.uptime).toBe(parsed.uptime);
    const python = parseFileName(PYTHON);
    if (python === undefined) throw new Error('not parsed');
    const again = parseFileName(restamp(python, 1_764_000_000_123.4, true));
    expect(again?.uptime).toBe('1550091');
    expect(again?.own).toMatchObject({ priority: 0, redelivered: true });
    expect(again?.own?.time).toBe(`${(1_764_000_000_123).toString(16).padStart(12, '0')}000`);
    expect(formatFileName('q', '1', parsed.own as never)).toMatch(/^1_.{36}\.q\.msg$/);
  });
});
