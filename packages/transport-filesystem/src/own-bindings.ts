import { createHash } from 'node:crypto';
import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { BindingRecord, ExchangeRecord } from '@kombu/core/virtual';
import { decodeName, encodeName } from './file-name.js';
import type { Folders } from './folders.js';
import type { RecordFiles } from './record-files.js';
import { codeOf, isMissing } from './translate-error.js';

const RECORD = 'record.json';

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

/** JSON with sorted keys. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return String(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
  });
}

function prefixOf(type: BindingRecord['destinationType'], destination: string): string {
  return `${type === 'queue' ? 'q' : 'x'}-${digest(destination)}-`;
}

function fileOf(b: BindingRecord): string {
  return `${prefixOf(b.destinationType, b.destination)}${digest(stable([b.routingKey, b.arguments]))}.json`;
}

/**
 * What Python has no place for: exchanges as they were declared, bindings with arguments, and those between exchanges. Each
 * exchange is a folder and each binding a file, so that nothing has to be locked.
 */
export class OwnBindings {
  readonly #folders: Folders;
  readonly #files: RecordFiles;

  constructor(folders: Folders, files: RecordFiles) {
    this.#folders = folders;
    this.#files = files;
  }

  folder(exchange: string): string {
    return path.join(this.#folders.exchanges, encodeName(exchange));
  }

  /** Every exchange with something of ours. */
  exchanges(): readonly string[] {
    return this.#files.list(this.#folders.exchanges).map(decodeName);
  }

  read(exchange: string): {
    readonly record: ExchangeRecord | undefined;
    readonly bindings: readonly BindingRecord[];
    readonly names: readonly string[];
  } {
    const folder = this.folder(exchange);
    const names = [...this.#files.list(folder)].sort();
    const bindings: BindingRecord[] = [];
    for (const name of names) {
      if (name === RECORD) continue;
      const binding = this.#files.read<BindingRecord>(path.join(folder, name));
      if (binding !== undefined) bindings.push(binding);
    }
    return { record: this.record(exchange), bindings, names };
  }

  record(exchange: string): ExchangeRecord | undefined {
    return this.#files.read<ExchangeRecord>(path.join(this.folder(exchange), RECORD));
  }

  /** Stores the record unless there is one; returns the one that is there. */
  saveRecord(record: ExchangeRecord): ExchangeRecord {
    const file = path.join(this.folder(record.name), RECORD);
    for (;;) {
      if (this.#inFolder(record.name, () => this.#files.create(file, record))) return record;
      const stored = this.#files.read<ExchangeRecord>(file);
      if (stored !== undefined) return stored;
    }
  }

  bind(binding: BindingRecord): void {
    this.#inFolder(binding.exchange, () =>
      this.#files.write(path.join(this.folder(binding.exchange), fileOf(binding)), binding),
    );
  }

  unbind(binding: BindingRecord): void {
    this.#files.remove(path.join(this.folder(binding.exchange), fileOf(binding)));
    this.#tidy(binding.exchange);
  }

  /** Removes every binding from an exchange to a destination; whether there were any. */
  unbindAll(exchange: string, type: BindingRecord['destinationType'], destination: string): boolean {
    const prefix = prefixOf(type, destination);
    const folder = this.folder(exchange);
    let found = false;
    for (const name of this.#files.list(folder)) {
      if (name.startsWith(prefix) && this.#files.remove(path.join(folder, name))) found = true;
    }
    if (found) this.#tidy(exchange);
    return found;
  }

  /** Removes everything of an exchange. */
  drop(exchange: string): void {
    const folder = this.folder(exchange);
    this.#files.remove(path.join(folder, RECORD));
    for (const name of this.#files.list(folder)) this.#files.remove(path.join(folder, name));
    this.#tidy(exchange);
  }

  /** The folder may be tidied away between two steps. */
  #inFolder<T>(exchange: string, work: () => T): T {
    const folder = this.folder(exchange);
    for (;;) {
      mkdirSync(folder, { recursive: true });
      try {
        return work();
      } catch (error) {
        if (!isMissing(error) || statSync(folder, { throwIfNoEntry: false }) !== undefined) throw error;
      }
    }
  }

  #tidy(exchange: string): void {
    try {
      rmdirSync(this.folder(exchange));
    } catch (error) {
      if (!isMissing(error) && codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    }
  }
}
