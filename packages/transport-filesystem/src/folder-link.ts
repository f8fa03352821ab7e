import { statSync } from 'node:fs';
import { ClosedError, deferred, type KombuError, OperationalError } from '@kombu/core';
import type { Folders } from './folders.js';
import { codeOf, translateError } from './translate-error.js';

/** The state of one link to the folders. It is lost when they are. */
export class FolderLink {
  readonly folders: Folders;
  readonly #closed = deferred<KombuError | undefined>();
  #gone: KombuError | undefined;

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
    this.#closed.resolve(error);
  }

  /** Looks whether the folders are still there, and ends the link when they are not. */
  look(): KombuError | undefined {
    if (this.#gone !== undefined) return this.#gone;
    const { folders } = this;
    for (const folder of [folders.in, folders.out, folders.inFlight, folders.drafts, folders.control]) {
      try {
        statSync(folder);
      } catch (cause) {
        const error = new OperationalError('CONNECTION_LOST', `the folder ${folder} has vanished`, { cause });
        this.end(error);
        return error;
      }
    }
    return undefined;
  }

  /** Translates an error, and ends the link when it says that a folder is gone. */
  translate(error: unknown, what: string): KombuError {
    const code = codeOf(error);
    const lost = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESTALE' ? this.look() : undefined;
    return lost ?? translateError(error, what);
  }
}
