import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A disk in a file: what is in the file is what has reached the disk. */
export interface TestDisk {
  /** Where it is mounted. */
  readonly path: string;
  /** The disk as it is if the power is cut now. */
  powerCut(): Promise<TestDisk>;
  remove(): Promise<void>;
}

async function mounted(base: string, image: string): Promise<TestDisk> {
  const at = await mkdtemp(path.join(base, 'mount-'));
  execFileSync('mount', ['-o', 'loop', image, at], { stdio: 'pipe' });
  const copies: TestDisk[] = [];
  return {
    path: at,
    async powerCut() {
      const copy = `${image}.copy${copies.length}`;
      copyFileSync(image, copy);
      const disk = await mounted(base, copy);
      copies.push(disk);
      return disk;
    },
    async remove() {
      for (const disk of copies) await disk.remove();
      execFileSync('umount', [at]);
    },
  };
}

/** Makes an ext4 of 32 MB and mounts it; a text says why that cannot be done. */
export async function makeDisk(): Promise<TestDisk | string> {
  const base = await mkdtemp(path.join(tmpdir(), 'kombu-disk-'));
  const image = path.join(base, 'image');
  await writeFile(image, '');
  await truncate(image, 32 * 2 ** 20);
  try {
    const made = spawnSync('mkfs.ext4', ['-q', '-F', image], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr?.trim() || made.error?.message);
    const disk = await mounted(base, image);
    return {
      ...disk,
      async remove() {
        await disk.remove();
        await rm(base, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(base, { recursive: true, force: true });
    return `no ext4 can be made and mounted (${(error as Error).message.trim()})`;
  }
}
