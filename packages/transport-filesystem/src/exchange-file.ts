import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperationalError } from '@kombu/core';
import { decodeName, encodeName } from './file-name.js';
import { flock } from './flock.js';
import type { Folders } from './folders.js';
import { codeOf, isMissing } from './translate-error.js';

/** A row of Python's table: binding key, pattern, queue. */
export type Row = readonly [routingKey: string, pattern: string, queue: string];

const SUFFIX = '.exchange';
/** How often a file that somebody is just writing is read again. */
const READS = 20;

/**
 * The tables that Python Kombu >= 5.3 keeps for each exchange. Python rewrites them in place under flock(2), so we do, too: a
 * file that was replaced would take a change of somebody else's with it.
 */
export class ExchangeFiles {
  readonly #folders: Folders;

  constructor(folders: Folders) {
    this.#folders = folders;
  }

  path(exchange: string): string {
    return path.join(this.#folders.control, `${encodeName(exchange)}${SUFFIX}`);
  }

  /** Exchanges that have a file. */
  names(): readonly string[] {
    return readdirSync(this.#folders.control)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => decodeName(name.slice(0, -SUFFIX.length)));
  }

  /** The rows; none where there is no file. */
  async read(exchange: string): Promise<readonly Row[]> {
    for (let i = 0; ; i++) {
      const rows = this.readNow(exchange);
      if (rows !== undefined) return rows;
      if (i >= READS) throw this.#unreadable(exchange);
      await sleep(5);
    }
  }

  /** The same without waiting; undefined: somebody is just writing it. */
  readNow(exchange: string): readonly Row[] | undefined {
    try {
      return parse(readFileSync(this.path(exchange), 'utf8'));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /**
   * Makes an empty table unless there is one. Python empties a file that it thinks it makes before it locks it, so it had better
   * find one.
   */
  make(exchange: string): void {
    const target = this.path(exchange);
    if (statSync(target, { throwIfNoEntry: false }) !== undefined) return;
    const draft = path.join(this.#folders.controlDrafts, randomBytes(12).toString('hex'));
    writeFileSync(draft, '[]', { flag: 'wx' });
    try {
      linkSync(draft, target);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  }

  /** Changes the rows under the lock; resolves with whether anything was changed. Undefined from `change`: nothing to do. */
  async update(exchange: string, change: (rows: readonly Row[]) => readonly Row[] | undefined): Promise<boolean> {
    return this.#locked(exchange, (file) => {
      const text = readAll(file);
      const rows = parse(text);
      // Python leaves an empty file when it is killed in its first bind; anything else is not ours to overwrite.
      if (rows === undefined && text.trim() !== '') throw this.#unreadable(exchange);
      const changed = change(rows ?? []);
      if (changed === undefined) return false;
      const bytes = Buffer.from(toJson(changed));
      // Blanks at the end are JSON still, whenever somebody reads or we are killed.
      const padded = Buffer.concat([bytes, Buffer.alloc(Math.max(0, Buffer.byteLength(text) - bytes.length), ' ')]);
      writeSync(file, padded, 0, padded.length, 0);
      if (padded.length > bytes.length) ftruncateSync(file, bytes.length);
      fsyncSync(file);
      return true;
    });
  }

  /** Removes the table. */
  async remove(exchange: string): Promise<void> {
    const target = this.path(exchange);
    if (statSync(target, { throwIfNoEntry: false }) === undefined) return;
    await this.#locked(exchange, () => unlinkSync(target));
  }

  #unreadable(exchange: string): OperationalError {
    return new OperationalError('BROKER_BUSY', `the file ${this.path(exchange)} is not a table of bindings`);
  }

  async #locked<T>(exchange: string, work: (file: number) => T): Promise<T> {
    const target = this.path(exchange);
    for (;;) {
      this.make(exchange);
      let file: number;
      try {
        file = openSync(target, 'r+');
      } catch (error) {
        if (isMissing(error)) continue;
        throw error;
      }
      try {
        await flock(file, `changing the bindings of exchange '${exchange}'`);
        // It may have been removed, and made anew, before the lock was ours.
        if (statSync(target, { throwIfNoEntry: false })?.ino === fstatSync(file).ino) return work(file);
      } finally {
        closeSync(file);
      }
    }
  }
}

function readAll(file: number): string {
  return readFileSync(file, 'utf8');
}

/** Rows of a table; undefined: not JSON, or not a table. */
function parse(text: string): readonly Row[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    const rows: Row[] = [];
    for (const row of value as unknown[]) {
      if (!Array.isArray(row)) continue;
      const [routingKey, pattern, queue] = row as unknown[];
      if (typeof queue === 'string') rows.push([String(routingKey ?? ''), String(pattern ?? ''), queue]);
    }
    return rows;
  } catch {
    return undefined;
  }
}

/** As Python's json writes it: blanks after commas, everything beyond ASCII escaped. */
function toJson(rows: readonly Row[]): string {
  const quote = (text: string): string =>
    JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `[${rows.map((row) => `[${row.map(quote).join(', ')}]`).join(', ')}]`;
}
