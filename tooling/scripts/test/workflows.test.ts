import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROOT, readJson } from '../lib/repository.js';

const FOLDER = path.join(ROOT, '.github', 'workflows');
const workflows = readdirSync(FOLDER).map((name) => [name, readFileSync(path.join(FOLDER, name), 'utf8')] as const);

describe('the workflows', () => {
  it.each(workflows)('%s has no permission at the top, a time limit, and pins every action', (_, text) => {
    expect(text).toMatch(/^permissions: \{\}$/m);
    expect(text.match(/timeout-minutes:/g)).toHaveLength(text.match(/runs-on:/g)?.length ?? -1);
    const used = [...text.matchAll(/uses: (\S+)/g)].map((match) => match[1]);
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  it('call scripts that exist', () => {
    const { scripts } = readJson(path.join(ROOT, 'package.json'));
    const called = workflows.flatMap(([, text]) =>
      [...text.matchAll(/npm run ([\w:-]+)|npm (test)\b/g)].map((m) => m[1] ?? m[2]),
    );
    for (const name of called) expect(Object.keys(scripts)).toContain(name);
  });
});

describe('.ci/run', () => {
  it('can be run, and calls npm test', () => {
    const file = path.join(ROOT, '.ci', 'run');
    expect(statSync(file).mode & 0o111).toBe(0o111);
    expect(readFileSync(file, 'utf8')).toContain('exec npm test');
  });
});
