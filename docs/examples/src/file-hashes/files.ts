import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What is not part of a repository's own files. */
const NOT_SOURCES = new Set(['.git', 'node_modules', 'dist', '.turbo', '.cache', 'coverage']);

/** Every regular file below `root`, as sorted relative paths. */
export async function listFiles(root: string, skipGenerated: boolean): Promise<string[]> {
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!skipGenerated || !NOT_SOURCES.has(entry.name)) await walk(name);
      } else if (entry.isFile()) {
        files.push(name);
      }
    }
  };
  await walk('');
  return files.sort();
}

/** The SHA-256 of a file and its size; a file that cannot be read has its error code in place of a digest. */
export async function hashFile(root: string, file: string): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    await pipeline(createReadStream(path.join(root, file)), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
      }
    });
  } catch (error) {
    return { digest: `unreadable: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, bytes: 0 };
  }
  return { digest: hash.digest('hex'), bytes };
}
