import { describe, expect, it } from '@jest/globals';
import {
  claimNode,
  compareEntries,
  createPaths,
  entryPrefix,
  parseClaim,
  prefixOf,
  queueNode,
  queueOf,
  stampOf,
} from '../src/paths.js';

describe('paths', () => {
  it('are those of Python Kombu for queues and messages', () => {
    expect(createPaths('/', undefined).queue('video')).toBe('/video');
    expect(createPaths(undefined, undefined).root).toBe('/');
    expect(createPaths('vh1', undefined).queue('video')).toBe('/vh1/video');
    expect(createPaths('/fleet/a/', '/prod').queue('video')).toBe('/prod/fleet/a/video');
    expect([0, 5, 9, 12, -1].map(entryPrefix)).toEqual([
      'entry-009-',
      'entry-004-',
      'entry-000-',
      'entry-000-',
      'entry-009-',
    ]);
  });

  it('refuse virtual hosts that no znode can be', () => {
    for (const path of ['..', 'a/./b', 'tab\t', '\u{1F600}', 'zookeeper/a']) {
      expect(() => createPaths(path, undefined)).toThrow(/no part of a virtual host or chroot/);
      expect(() => createPaths(undefined, path)).toThrow(/no part of a virtual host or chroot/);
    }
    expect(createPaths('a%2Fb/zookeeper/ü', undefined).root).toBe('/a%2Fb/zookeeper/ü');
  });

  it('name parents before children', () => {
    const { base } = createPaths('a/b', undefined);
    expect(base.slice(0, 3)).toEqual(['/a', '/a/b', '/a/b/.kombu']);
    for (const path of base.slice(1)) expect(base).toContain(path.slice(0, path.lastIndexOf('/')) || '/a');
  });

  it('come back to the names they were made of', () => {
    for (const name of ['video', 'a/b', 'a%2Fb', '%', '%25', '.', '..', '.kombu', 'x.y', '\u{1F600}\u0007', 'ü']) {
      expect(queueOf(queueNode(name, false))).toBe(name);
    }
    expect(queueNode('zookeeper', true)).not.toBe('zookeeper');
    expect(queueOf(queueNode('zookeeper', true))).toBe('zookeeper');
    expect(queueNode('zookeeper', false)).toBe('zookeeper');
  });

  it('of claims tell the entry and the session', () => {
    const node = claimNode('entry-009-0000000007', '0123abcd', 36);
    expect(node).toBe('entry-009-0000000007.0123abcd.10');
    expect(parseClaim(node)).toEqual({ entry: 'entry-009-0000000007', session: '0123abcd' });
    expect(parseClaim('something else')).toBeUndefined();
  });

  it('of stamps are few, and the same for the same key', () => {
    const paths = createPaths('v', undefined);
    const all = new Set(Array.from({ length: 5000 }, (_, n) => stampOf(paths, `queues/q${n}`)));
    expect(all.size).toBeGreaterThan(900);
    expect(all.size).toBeLessThanOrEqual(1000);
    expect(stampOf(paths, 'queues/q1')).toBe(stampOf(paths, 'queues/q1'));
    expect(stampOf(paths, 'exchanges/q1')).toMatch(/^\/v\/\.kombu\/stamps\/exchanges-\d+$/);
  });
});

describe('the order of entries', () => {
  it('is by priority, then by number, also when ZooKeeper has counted over its end', () => {
    const entries = [
      'entry-009-0000000002',
      'entry-009--2147483648',
      'entry-009--000000001',
      'entry-000-0000000009',
      'entry-009-2147483647',
      'entry-004-0000000001',
    ];
    expect(entries.sort(compareEntries)).toEqual([
      'entry-000-0000000009',
      'entry-004-0000000001',
      'entry-009-0000000002',
      'entry-009-2147483647',
      'entry-009--2147483648',
      'entry-009--000000001',
    ]);
    expect(prefixOf('entry-009--2147483648')).toBe('entry-009-');
    expect(prefixOf('entry-004-0000000001')).toBe('entry-004-');
    expect(prefixOf('whatever')).toBe('entry-009-');
  });
});
