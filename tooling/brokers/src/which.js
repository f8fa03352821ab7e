import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** @type {typeof import('./types.d.ts').which} */
export function which(programs, folders = []) {
  const places = [
    ...folders,
    ...(process.env.PATH ?? '').split(path.delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
  ];
  for (const program of programs) {
    for (const place of places) {
      const file = path.join(place, program);
      try {
        accessSync(file, constants.X_OK);
        if (statSync(file).isFile()) return file;
      } catch {
        // not here
      }
    }
  }
  return undefined;
}
