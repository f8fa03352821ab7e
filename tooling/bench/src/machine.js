import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What the numbers were measured on. */
export function machine() {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 1e9),
    system: `${os.type()} ${os.release().split('.', 2).join('.')}`,
    node: process.version,
  };
}

/** The versions of the libraries that are measured against: exact ones, as this package depends on them. */
export function libraryVersions(names, file = path.resolve(import.meta.dirname, '../package.json')) {
  const { dependencies } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.fromEntries(names.map((name) => [name, dependencies[name]]));
}
