import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { temporaryFolder } from '@kombu/brokers';

const BYTES = 4 * 2 ** 30;
const FILES = 1_000_000;

/** Makes an ext4 in a file, and mounts it; whether that could be done, which takes root and Linux. */
function mount(image, at) {
  writeFileSync(image, '');
  // A sparse file: it takes what is written to it.
  truncateSync(image, BYTES);
  const steps = [
    ['mkfs.ext4', '-q', '-F', '-N', String(FILES), image],
    ['mount', '-o', 'loop', image, at],
  ];
  return steps.every(([command, ...args]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0);
}

/**
 * A folder on a disk of its own: an ext4 with a journal in a file that is mounted, for as long as the bench runs. On a disk that
 * is shared, what others have just deleted and written decides how long it takes to make a file, more than who makes it (an ext4
 * without a journal looks at everything that was deleted in the last minutes, for each file). Where nothing can be
 * mounted it is a folder of the system's temporary files.
 *
 * @returns {Promise<{ url: string, version: string, close(): Promise<void> }>}
 */
export async function folderOnOwnDisk() {
  const { path: base, remove } = await temporaryFolder();
  const at = path.join(base, 'disk');
  mkdirSync(at);
  if (!mount(path.join(base, 'image'), at)) {
    return { url: `filesystem://${at}`, version: 'a folder of the temporary files', close: remove };
  }
  const folder = path.join(at, 'folder');
  mkdirSync(folder);
  let mounted = true;
  const unmount = () => {
    if (!mounted) return;
    mounted = false;
    // Lazily: who is interrupted may still have processes at work there.
    execFileSync('umount', ['-l', at]);
  };
  const interrupted = (signal) => {
    unmount();
    rmSync(base, { recursive: true, force: true });
    process.exit(128 + constants.signals[signal]);
  };
  process.once('exit', unmount);
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  return {
    url: `filesystem://${folder}`,
    version: 'ext4 with a journal, on a disk of its own',
    async close() {
      process.off('exit', unmount);
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      unmount();
      await remove();
    },
  };
}
