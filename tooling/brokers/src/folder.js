import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { janitor } from './janitor.js';

/** @type {typeof import('./types.d.ts').temporaryFolder} */
export async function temporaryFolder(name = 'kombu', parent = tmpdir()) {
  // Short: a Unix socket in it may have a path of about 100 characters.
  const folder = await mkdtemp(path.join(parent, `${name}-`));
  const release = janitor.folder(folder);
  return {
    path: folder,
    async remove() {
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      release();
    },
  };
}
