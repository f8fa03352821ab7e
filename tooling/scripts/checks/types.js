import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT, shown, workspaceFolders } from '../lib/repository.js';
import { run } from '../lib/run.js';

const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** Every package, test and script that has a tsconfig.json type-checks; against the built declarations of the others. */
export async function types() {
  const projects = workspaceFolders().flatMap((folder) =>
    ['tsconfig.json', 'test/tsconfig.json'].map((name) => path.join(folder, name)).filter(existsSync),
  );
  const problems = [];
  for (const project of projects) {
    const { code, output } = await run(process.execPath, [TSC, '-p', project, '--noEmit'], { quiet: true });
    if (code !== 0) problems.push(`${shown(project)}\n${output}`);
  }
  return problems;
}
