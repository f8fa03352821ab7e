import { mkdir, readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { InvalidOptionError } from '@kombu/core';
import type { FilesystemOptions } from './options.js';
import { codeOf, isMissing } from './translate-error.js';

/** Everything of ours is in a folder of this name, which Python looks into neither for messages nor for exchanges. */
const OWN = '.kombu';
/** A draft that old was left by a process that was killed. */
const OLD_DRAFT_MS = 3_600_000;

/** Where everything is. */
export interface Folders {
  /** Messages to consume. */
  readonly in: string;
  /** Where messages are published to. */
  readonly out: string;
  /** Reserved messages; on the file system of `in`. */
  readonly inFlight: string;
  /** Files that are no messages, though their names say so. */
  readonly unreadable: string;
  /** Messages that are being written; on the file system of `out`. */
  readonly drafts: string;
  /** Undefined: what was acknowledged is removed. */
  readonly processed: string | undefined;
  /** Python's `.exchange` files. */
  readonly control: string;
  /** Drafts of what goes to the folders below. */
  readonly controlDrafts: string;
  readonly exchanges: string;
  readonly queues: string;
  readonly consumers: string;
  readonly claims: string;
  readonly used: string;
}

function controlFolder(options: FilesystemOptions, root: string | undefined, data: readonly [string, string]): string {
  if (options.controlFolder !== undefined) return path.resolve(options.controlFolder);
  if (root !== undefined) return path.join(root, 'control');
  if (data[0] === data[1]) return path.join(data[0], 'control');
  throw new InvalidOptionError(
    "filesystem: with different data folders and no path in the URL, transport option 'controlFolder' is needed",
  );
}

/**
 * The folders of a link.
 *
 * @throws InvalidOptionError where neither a path nor both data folders are given
 */
export function resolveFolders(virtualHost: string | undefined, options: FilesystemOptions): Folders {
  // `filesystem:///var/spool` has the virtual host `var/spool`.
  const root = virtualHost === undefined || virtualHost === '' ? undefined : path.resolve('/', virtualHost);
  const folderOf = (name: 'dataFolderIn' | 'dataFolderOut'): string => {
    const given = options[name];
    if (given !== undefined && given !== '') return path.resolve(given);
    if (root !== undefined) return root;
    throw new InvalidOptionError(
      `filesystem: without a folder in the URL (filesystem:///var/spool/my-app), transport option '${name}' is needed`,
    );
  };
  const [input, output] = [folderOf('dataFolderIn'), folderOf('dataFolderOut')];
  const control = controlFolder(options, root, [input, output]);
  const own = path.join(control, OWN);
  const processed = path.resolve(options.processedFolder ?? path.join(input, 'processed'));
  return {
    in: input,
    out: output,
    inFlight: path.join(input, OWN, 'in-flight'),
    unreadable: path.join(input, OWN, 'unreadable'),
    drafts: path.join(output, OWN, 'drafts'),
    processed: options.storeProcessed ? processed : undefined,
    control,
    controlDrafts: path.join(own, 'drafts'),
    exchanges: path.join(own, 'exchanges'),
    queues: path.join(own, 'queues'),
    consumers: path.join(own, 'consumers'),
    claims: path.join(own, 'claims'),
    used: path.join(own, 'used'),
  };
}

/** Makes what is missing, and removes drafts that killed processes have left. */
export async function prepareFolders(folders: Folders): Promise<void> {
  for (const folder of Object.values(folders)) {
    if (typeof folder === 'string') await makeFolder(folder);
  }
  for (const drafts of [folders.drafts, folders.controlDrafts]) {
    for (const name of await readdir(drafts)) await removeOld(path.join(drafts, name));
  }
}

/** Makes a folder and those above it. `mkdir` with `recursive` calls a read-only file system a missing folder. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    const above = path.dirname(folder);
    if (!isMissing(error) || above === folder) throw error;
    await makeFolder(above);
    await mkdir(folder).catch((again: unknown) => {
      if (codeOf(again) !== 'EEXIST') throw again;
    });
  }
}

async function removeOld(draft: string): Promise<void> {
  try {
    if (Date.now() - (await stat(draft)).mtimeMs > OLD_DRAFT_MS) await unlink(draft);
  } catch {
    // Its process has just published it, or another one has removed it.
  }
}
