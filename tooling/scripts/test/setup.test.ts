import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { dependenciesFingerprint, sourcesFingerprint, stamp } from '../lib/fingerprint.js';

describe('what has to be done again', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'kombu-setup-'));
    for (const folder of ['packages/a/src', 'packages/a/test', 'tooling', 'docs'])
      mkdirSync(path.join(root, folder), { recursive: true });
    for (const name of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'tsconfig.base.json'])
      write(name, name);
    write('packages/a/package.json', '{}');
    write('packages/a/src/index.ts', 'export {};');
  });

  afterEach(() => rmSync(root, { recursive: true }));

  function write(name: string, text: string) {
    writeFileSync(path.join(root, name), text);
  }

  it('is to install when a manifest or the lockfile changed, and to build when a source changed', () => {
    const prints = () => [dependenciesFingerprint(root), sourcesFingerprint(root)];
    const [install, build] = prints();
    write('packages/a/test/a.test.ts', 'a test');
    expect(prints()).toEqual([install, build]);

    write('packages/a/src/other.ts', 'more');
    expect(prints()).toEqual([install, expect.not.stringMatching(String(build))]);

    write('pnpm-lock.yaml', 'other');
    expect(prints()[0]).not.toBe(install);
  });

  it('is remembered in node_modules', () => {
    expect(stamp('install', root).matches('1')).toBe(false);
    stamp('install', root).set('1');
    expect(stamp('install', root).matches('1')).toBe(true);
    expect(stamp('install', root).matches('2')).toBe(false);
    rmSync(path.join(root, 'node_modules'), { recursive: true });
    expect(stamp('install', root).matches('1')).toBe(false);
  });
});
