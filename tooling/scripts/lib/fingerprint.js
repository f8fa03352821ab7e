import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, ROOT, workspaceFolders } from './repository.js';

/** A hash over the names and contents of files. */
function hashFiles(root, files) {
  const hash = createHash('sha256').update(process.version);
  for (const file of files) hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Changes when other packages have to be installed. */
export function dependenciesFingerprint(root = ROOT) {
  const manifests = workspaceFolders(root).map((folder) => path.join(folder, 'package.json'));
  const top = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => path.join(root, name));
  return hashFiles(root, [...top, ...manifests]);
}

/** Changes when something has to be built again. */
export function sourcesFingerprint(root = ROOT) {
  const sources = workspaceFolders(root, ['packages', 'docs']).flatMap((folder) => [
    path.join(folder, 'tsconfig.json'),
    ...filesBelow(path.join(folder, 'src'), ''),
  ]);
  return hashFiles(root, [path.join(root, 'tsconfig.base.json'), ...sources.filter((file) => existsSync(file))]);
}

/** What was done last, by step; in node_modules, so that it goes when that goes. */
export function stamp(step, root = ROOT) {
  const file = path.join(root, 'node_modules', '.cache', 'kombu', `${step}.stamp`);
  return {
    matches: (fingerprint) => existsSync(file) && readFileSync(file, 'utf8') === fingerprint,
    set(fingerprint) {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, fingerprint);
    },
  };
}
