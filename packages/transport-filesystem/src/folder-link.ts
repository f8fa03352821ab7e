import { statSync } from 'node:fs';
import { type Clock, ClosedError, deferred, type KombuError, OperationalError } from '@kombu/core';
import type { Folders } from './folders.js';
import { codeOf, translateError } from './translate-error.js';

/** The state of one link to the folders. It is lost when they are. */
export class FolderLink {
  readonly folders: Folders;
  readonly #closed = deferred<KombuError | undefined>();
  readonly #inodes = new Map<string, string>();
  #gone: KombuError | undefined;
  #cancel: (() => void) | undefined;

  constructor(folders: Folders) {
    this.folders = folders;
  }

  get closed(): Promise<KombuError | undefined> {
    return this.#closed.promise;
  }

  get isOpen(): boolean {
    return this.#gone === undefined;
  }

  /** Throws when the link has ended. */
  check(): void {
    if (this.#gone !== undefined) throw this.#gone;
  }

  /** Ends the link. */
  end(error?: KombuError): void {
    if (this.#gone !== undefined) return;
    this.#gone = error ?? new ClosedError('the link to the folder is closed');
    this.#cancel?.();
    this.#closed.resolve(error);
  }

  /** Looks whether the folders are still there, and ends the link when they are not. */
  look(): KombuError | undefined {
    if (this.#gone !== undefined) return this.#gone;
    const { folders } = this;
    for (const folder of [folders.in, folders.out, folders.inFlight, folders.drafts, folders.control]) {
      const inode = inodeOf(folder);
      if (inode !== undefined && inode === (this.#inodes.get(folder) ?? inode)) {
        this.#inodes.set(folder, inode);
        continue;
      }
      const what = inode === undefined ? 'has vanished' : 'is another one by now';
      const error = new OperationalError('CONNECTION_LOST', `the folder ${folder} ${what}`);
      this.end(error);
      return error;
    }
    return undefined;
  }

  /** Looks now and then, until the link ends: nobody tells of folders that go away. */
  supervise(clock: Clock, everyMs: number): void {
    const again = (): void => {
      const cancel = clock.after(everyMs, () => this.look() ?? again(), { unref: true });
      this.#cancel = cancel;
    };
    if (this.look() === undefined) again();
  }

  /** Translates an error, and ends the link when it says that a folder is gone. */
  translate(error: unknown, what: string): KombuError {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ESTALE') return translateError(error, what);
    const { message } = translateError(error, what);
    // Something else is missing: the link goes on, and so may whoever tries again.
    return this.look() ?? new OperationalError('BROKER_BUSY', message, { cause: error });
  }
}

/** Names a folder as long as it is the same one; undefined: it is not there. */
function inodeOf(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}
