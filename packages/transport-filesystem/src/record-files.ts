import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { codeOf, isMissing } from './translate-error.js';

function toJson(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner));
}

/**
 * Small JSON files that many processes change without a lock: each is written as a draft and then linked or renamed into its
 * place, so that it is there wholly or not at all.
 */
export class RecordFiles {
  readonly #drafts: string;

  constructor(drafts: string) {
    this.#drafts = drafts;
  }

  /** What is in a file; undefined: it is not there. */
  read<T extends object>(file: string): T | undefined {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as T;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Names of the files in a folder; none where there is no folder. */
  list(folder: string): readonly string[] {
    try {
      return readdirSync(folder);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Makes a file unless there is one; `prepare` is called with the draft. Returns whether it was made. */
  create(file: string, value: object, prepare?: (draft: string) => void): boolean {
    const draft = this.#draft(value);
    try {
      prepare?.(draft);
      linkSync(draft, file);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      unlinkSync(draft);
    }
  }

  /** Makes a file, or replaces it. */
  write(file: string, value: object, prepare?: (draft: string) => void): void {
    const draft = this.#draft(value);
    try {
      prepare?.(draft);
      renameSync(draft, file);
    } catch (error) {
      unlinkSync(draft);
      throw error;
    }
  }

  /** Removes a file; whether it was there. */
  remove(file: string): boolean {
    try {
      unlinkSync(file);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Moves a file out of the way; undefined: it was not there. */
  takeAway(file: string): string | undefined {
    const away = path.join(this.#drafts, randomBytes(12).toString('hex'));
    try {
      renameSync(file, away);
      return away;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #draft(value: object): string {
    const draft = path.join(this.#drafts, randomBytes(12).toString('hex'));
    const file = openSync(draft, 'wx');
    try {
      writeFileSync(file, toJson(value));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return draft;
  }
}
