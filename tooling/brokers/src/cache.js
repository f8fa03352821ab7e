import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder outside of the repository for what is fetched once and used again: Python environments, notes on failed installations. */
export function cacheFolder() {
  const folder = process.env.KOMBU_CACHE ?? path.join(tmpdir(), 'kombu-cache');
  mkdirSync(folder, { recursive: true });
  return folder;
}
