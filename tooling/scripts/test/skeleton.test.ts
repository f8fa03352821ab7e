import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { repositoryProblems } from '../checks/skeleton.js';

const MANIFEST = {
  name: '@kombu/transport-own',
  description: 'One.',
  license: 'BSD-3-Clause',
  type: 'module',
  engines: { node: '>=20.19' },
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  files: ['dist', 'README.md', 'LICENSE'],
  sideEffects: false,
  publishConfig: { access: 'public' },
  scripts: { build: 'b', typecheck: 't', test: 't' },
  peerDependencies: { '@kombu/core': 'workspace:>=0.1.0 <1.0.0' },
};

describe('the check of the layout', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'kombu-skeleton-'));
    write('LICENSE', 'the licence');
    write('package.json', JSON.stringify({ engines: { node: '>=20.19' } }));
    for (const name of [
      'README.md',
      'tsconfig.json',
      'jest.config.js',
      'src/index.ts',
      'test/tsconfig.json',
      'test/a.test.ts',
    ]) {
      write(`packages/transport-own/${name}`, 'x\n');
    }
    write('packages/transport-own/LICENSE', 'the licence');
    manifest({});
  });

  afterEach(() => rmSync(root, { recursive: true }));

  function write(name: string, text: string) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  function manifest(difference: object) {
    write('packages/transport-own/package.json', JSON.stringify({ ...MANIFEST, ...difference }));
  }

  it('has nothing to say where all is as it should be', () => {
    expect(repositoryProblems(root)).toEqual([]);
  });

  it('names a file at the top that does not belong there', () => {
    write('biome.json', '{}');
    write('.hidden', '');
    expect(repositoryProblems(root)).toEqual(['biome.json does not belong at the top of the repository']);
  });

  it.each([
    [() => rmSync(path.join(root, 'packages/transport-own/README.md')), 'README.md is missing'],
    [() => write('packages/transport-own/LICENSE', 'another'), 'LICENSE differs'],
    [() => rmSync(path.join(root, 'packages/transport-own/test/a.test.ts')), 'it has no tests'],
    [() => write('packages/transport-own/tsconfig.json', `${'\n'.repeat(40)}x`), 'tsconfig.json has 41 lines'],
    [() => manifest({ type: 'commonjs' }), 'type is not module'],
    [() => manifest({ exports: { './*': './dist/*.js' } }), 'exports has a wildcard'],
    [() => manifest({ exports: { '.': { default: './a.js', types: './a.d.ts' } } }), 'types do not come first'],
    [() => manifest({ peerDependencies: { '@kombu/core': 'workspace:^' } }), 'the peer range of @kombu/core is not'],
    [() => manifest({ dependencies: { '@kombu/core': '1' } }), '@kombu/core must be a peer dependency'],
    [() => manifest({ devDependencies: { a: '^1.0.0' } }), 'devDependency a is not an exact version'],
  ])('names what is wrong with a package (%#)', (spoil, problem) => {
    spoil();
    const problems = repositoryProblems(root);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^packages\/transport-own: /);
    expect(problems[0]).toContain(problem);
  });
});
