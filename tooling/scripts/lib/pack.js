import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pnpm } from './pnpm.js';
import { publicPackages } from './repository.js';

/** Packs every public package as it would be published: `{ tarballs: [{ name, folder, file }], remove }`. */
export async function packAll() {
  const out = mkdtempSync(path.join(tmpdir(), 'kombu-pack-'));
  const remove = () => rmSync(out, { recursive: true, force: true });
  const tarballs = [];
  for (const { name, folder } of publicPackages()) {
    const before = new Set(readdirSync(out));
    const { code, output } = await pnpm(['pack', '--pack-destination', out], { cwd: folder, quiet: true });
    const made = readdirSync(out).find((file) => !before.has(file));
    if (code !== 0 || made === undefined) {
      remove();
      throw new Error(`pnpm pack of ${name} failed\n${output}`);
    }
    tarballs.push({ name, folder, file: path.join(out, made) });
  }
  return { tarballs, remove };
}
