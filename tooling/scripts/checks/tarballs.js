import { readFileSync } from 'node:fs';
import path from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll } from '../lib/pack.js';
import { readJson, shown } from '../lib/repository.js';
import { run } from '../lib/run.js';

const ATTW = path.join(import.meta.dirname, '..', 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');

/** What would be published: publint and "are the types wrong" say nothing about the tarballs. */
export async function tarballs() {
  const { tarballs: packed, remove } = await packAll();
  try {
    const problems = [];
    for (const { folder, file } of packed) {
      const manifest = readJson(path.join(folder, 'package.json'));
      const bytes = readFileSync(file);
      const { messages } = await publint({ strict: true, pack: { tarball: new Uint8Array(bytes).buffer } });
      problems.push(...messages.map((message) => `${shown(folder)}: ${formatMessage(message, manifest)}`));
      const attw = await run(process.execPath, [ATTW, '--profile', 'esm-only', '--format', 'ascii', file], {
        quiet: true,
      });
      if (attw.code !== 0) problems.push(`${shown(folder)}: types\n${attw.output}`);
    }
    return problems;
  } finally {
    remove();
  }
}
