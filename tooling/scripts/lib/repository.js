import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The top folder of the repository. */
export const ROOT = path.resolve(import.meta.dirname, '../../..');

export function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The packages that are published: name, folder, manifest. */
export function publicPackages(root = ROOT) {
  return workspaceFolders(root, ['packages'])
    .map((folder) => ({ folder, manifest: readJson(path.join(folder, 'package.json')) }))
    .filter(({ manifest }) => !manifest.private)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

/** The folders of the workspace's packages below the given ones. */
export function workspaceFolders(root = ROOT, below = ['packages', 'tooling', 'docs']) {
  return below
    .flatMap((folder) => readdirSync(path.join(root, folder)).map((name) => path.join(root, folder, name)))
    .filter((folder) => existsSync(path.join(folder, 'package.json')));
}

/** Every file below a folder whose name ends so, in order. Dependencies, output and hidden folders are left out. */
export function filesBelow(folder, ...endings) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        const skipped = entry.name.startsWith('.') || ['node_modules', 'dist', 'coverage'].includes(entry.name);
        return skipped ? [] : filesBelow(file, ...endings);
      }
      return endings.some((ending) => entry.name.endsWith(ending)) ? [file] : [];
    });
}

/** A path as the reader of a message wants it. */
export function shown(file, root = ROOT) {
  return path.relative(root, file);
}
