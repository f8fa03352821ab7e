import { closeSync, fsync, ftruncateSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { KombuError } from '@kombu/core';
import type { PutEntry } from '@kombu/core/virtual';
import type { DriverContext } from './driver-context.js';
import { checkName } from './queues.js';

const flush = promisify(fsync);

/** A message on its way into the folder: a draft, until its rename. */
export interface Draft {
  readonly entry: PutEntry;
  readonly name: string;
  /** Why it is not stored. */
  error: KombuError | undefined;
}

/** The steps of storing a message. None throws: what fails is told in the draft, whose other steps then do nothing. */
export interface Drafts {
  /** Writes a draft, whose data is then on its way to the disk already. */
  write(entry: PutEntry): Draft;
  /** Waits for a draft to be on the disk. */
  flush(draft: Draft): Promise<void>;
  /** Makes a message of a draft: nobody ever sees half of one. */
  publish(draft: Draft): void;
  /** Waits for the names of messages to be on the disk: those are when their folder is. */
  flushFolder(drafts: readonly Draft[]): Promise<void>;
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** Makes the steps of storing a message in the folder of a link. */
export function createDrafts(context: DriverContext): Drafts {
  const { link, folders, names, index } = context;

  const failed = (draft: Draft, error: unknown): void => {
    draft.error ??= link.translate(error, `storing a message in queue '${draft.entry.queue}'`);
  };
  const drop = (draft: Draft, error: unknown): void => {
    failed(draft, error);
    try {
      unlinkSync(`${folders.drafts}/${draft.name}`);
    } catch {
      // There was no draft yet, or it will be removed when a link is opened.
    }
  };

  return {
    write(entry) {
      const { queue } = entry;
      const draft: Draft = { entry, name: names.give(queue, entry.priority, false), error: undefined };
      try {
        if (!names.fits(queue)) checkName(queue);
        const file = openSync(`${folders.drafts}/${draft.name}`, 'wx');
        try {
          // ext4 and btrfs write the data of a file that was cut to nothing as soon as it is closed, so that flushing many
          // waits for the disk once, and not once for each.
          if (context.fsync) ftruncateSync(file, 0);
          writeAll(file, entry.payload as string);
        } finally {
          // Network file systems tell of a full disk no sooner.
          closeSync(file);
        }
      } catch (error) {
        drop(draft, error);
      }
      return draft;
    },
    async flush(draft) {
      if (draft.error !== undefined) return;
      try {
        const file = openSync(`${folders.drafts}/${draft.name}`, 'r+');
        try {
          await flush(file);
        } finally {
          closeSync(file);
        }
      } catch (error) {
        drop(draft, error);
      }
    },
    publish(draft) {
      if (draft.error !== undefined) return;
      try {
        renameSync(`${folders.drafts}/${draft.name}`, `${folders.out}/${draft.name}`);
      } catch (error) {
        drop(draft, error);
        return;
      }
      if (folders.out === folders.in) index.added(draft.name);
      context.wake(draft.entry.queue);
    },
    async flushFolder(drafts) {
      try {
        const folder = openSync(folders.out, 'r');
        try {
          await flush(folder);
        } finally {
          closeSync(folder);
        }
      } catch (error) {
        for (const draft of drafts) failed(draft, error);
      }
    },
  };
}
