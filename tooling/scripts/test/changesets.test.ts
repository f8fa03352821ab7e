import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { publicPackages, ROOT, readJson, workspaceFolders } from '../lib/repository.js';
import { run } from '../lib/run.js';

type Versions = Record<string, string>;

describe('changeset version, in a copy of the repository', () => {
  let copy: string;
  let before: Versions;

  beforeEach(async () => {
    copy = mkdtempSync(path.join(tmpdir(), 'kombu-changesets-'));
    for (const name of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', '.changeset/config.json']) {
      mkdirSync(path.dirname(path.join(copy, name)), { recursive: true });
      cpSync(path.join(ROOT, name), path.join(copy, name));
    }
    for (const folder of workspaceFolders()) {
      const to = path.join(copy, path.relative(ROOT, folder));
      mkdirSync(to, { recursive: true });
      cpSync(path.join(folder, 'package.json'), path.join(to, 'package.json'));
    }
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
    for (const args of [
      ['init', '-q'],
      ['add', '-A', ':!node_modules'],
      ['-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '-qm', 'copy'],
    ]) {
      expect(await run('git', args, { cwd: copy, quiet: true })).toMatchObject({ code: 0 });
    }
    before = versions();
  });

  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  function versions(): Versions {
    return Object.fromEntries(publicPackages(copy).map(({ name, manifest }) => [name, manifest.version]));
  }

  async function release(bumps: Record<string, 'patch' | 'minor'>): Promise<Versions> {
    const front = Object.entries(bumps).map(([name, bump]) => `"${name}": ${bump}`);
    writeFileSync(path.join(copy, '.changeset', 'one.md'), `---\n${front.join('\n')}\n---\n\nA change.\n`);
    const changeset = path.join(ROOT, 'node_modules', '@changesets', 'cli', 'bin.js');
    expect(await run(process.execPath, [changeset, 'version'], { cwd: copy, quiet: true })).toMatchObject({ code: 0 });
    const after = versions();
    return Object.fromEntries(Object.entries(after).filter(([name, version]) => version !== before[name]));
  }

  it('moves redis alone for a patch of redis', async () => {
    expect(await release({ '@kombu/transport-redis': 'patch' })).toEqual({
      '@kombu/transport-redis': next(before['@kombu/transport-redis'], 2),
    });
    expect(readFileSync(path.join(copy, 'packages/transport-redis/CHANGELOG.md'), 'utf8')).toContain('A change.');
  });

  it('moves core alone for a minor of core', async () => {
    expect(await release({ '@kombu/core': 'minor' })).toEqual({ '@kombu/core': next(before['@kombu/core'], 1) });
  });

  it('keeps core and the others where they are for a minor of amqp', async () => {
    expect(await release({ '@kombu/transport-amqp': 'minor' })).toEqual({
      '@kombu/transport-amqp': next(before['@kombu/transport-amqp'], 1),
    });
  });

  it('has a changeset for every package that was never released', () => {
    const pending = readdirSync(path.join(ROOT, '.changeset'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => readFileSync(path.join(ROOT, '.changeset', name), 'utf8'))
      .join('\n');
    const unreleased = publicPackages().filter(({ folder }) => !existsSync(path.join(folder, 'CHANGELOG.md')));
    for (const { name } of unreleased) expect(pending).toContain(`"${name}":`);
    expect(readJson(path.join(ROOT, '.changeset/config.json')).fixed).toEqual([]);
  });
});

function next(version: string | undefined, part: 1 | 2): string {
  const numbers = String(version).split('.').map(Number);
  return numbers.map((n, index) => (index < part ? n : index === part ? n + 1 : 0)).join('.');
}
