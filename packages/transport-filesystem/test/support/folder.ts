import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type ConnectionOptions } from '@kombu/core';
import { type FilesystemOptions, filesystem } from '../../src/index.js';

/** How often links look for their folder in tests. */
export const LOOK_MS = 100;

/** A folder of its own, and what can be done to it. */
export interface TestFolder {
  readonly path: string;
  readonly url: string;
  connect(options?: ConnectionOptions, transportOptions?: FilesystemOptions): Connection;
  /** Takes the folder away, so that nobody can make it anew, until `bringBack`. */
  takeAway(): Promise<void>;
  bringBack(): Promise<void>;
  remove(): Promise<void>;
}

export async function makeFolder(parent = tmpdir()): Promise<TestFolder> {
  const base = await mkdtemp(path.join(parent, 'kombu-fs-'));
  const root = path.join(base, 'root');
  /** One step, so that nobody finds nothing there and makes a folder. */
  const pointTo = async (target: string): Promise<void> => {
    await symlink(target, `${root}.new`);
    await rename(`${root}.new`, root);
  };
  await mkdir(path.join(base, 'real'));
  await pointTo('real');
  const url = `filesystem://${root}`;
  return {
    path: root,
    url,
    connect: (options, transportOptions) =>
      new Connection(url, { transport: filesystem, ...options, ...(transportOptions && { transportOptions }) }),
    takeAway: () => pointTo('nowhere'),
    bringBack: () => pointTo('real'),
    remove: () => rm(base, { recursive: true, force: true }),
  };
}

/** Takes the folder away for long enough that every link of this machine notices. */
export async function vanishForAWhile(folder: TestFolder): Promise<void> {
  await folder.takeAway();
  await sleep(LOOK_MS * 4);
  await folder.bringBack();
}
