import { statSync } from 'node:fs';
import type { BindingRecord, ExchangeTable, PutRequest } from '@kombu/core/virtual';
import type { ExchangeFiles, Row } from './exchange-file.js';
import type { OwnBindings } from './own-bindings.js';

/** Clocks of file systems move in steps: what was changed so short ago may change again and look the same. */
const CLOCK_STEP_MS = 20;

/** The version of a routing table. */
interface TableVersion {
  /** What the file system says of the files; undefined: they are too young to tell. */
  signature: string | undefined;
  readonly content: string;
}

/** Builds the routing tables of exchanges from what the folder has of them, and tells cheaply whether they are current. */
export class RoutingTables {
  readonly #own: OwnBindings;
  readonly #python: ExchangeFiles | undefined;

  /** @param python undefined: nothing is shared with Python */
  constructor(own: OwnBindings, python: ExchangeFiles | undefined) {
    this.#own = own;
    this.#python = python;
  }

  /** The table as it is now; undefined: nobody has declared the exchange or bound anything to it. */
  async load(exchange: string): Promise<ExchangeTable | undefined> {
    const signature = this.#sign(exchange);
    const table = this.#build(exchange, (await this.#python?.read(exchange)) ?? [], signature);
    return table.record === undefined && table.bindings.length === 0 ? undefined : table;
  }

  /** Those of the tables that have changed, as they are now. */
  stale(check: PutRequest['check']): readonly ExchangeTable[] {
    const changed: ExchangeTable[] = [];
    for (const { exchange, version } of check) {
      const known = version as TableVersion;
      const signature = this.#sign(exchange);
      if (signature !== undefined && signature === known.signature) continue;
      const rows = this.#python === undefined ? [] : this.#python.readNow(exchange);
      // Whoever is writing it just now has not bound anything yet.
      if (rows === undefined) continue;
      const table = this.#build(exchange, rows, signature);
      if ((table.version as TableVersion).content === known.content) known.signature = signature;
      else changed.push(table);
    }
    return changed;
  }

  #build(name: string, rows: readonly Row[], signature: string | undefined): ExchangeTable {
    const { record, bindings: own, names } = this.#own.read(name);
    const bindings: BindingRecord[] = [];
    const seen = new Set<string>();
    for (const [routingKey, , queue] of rows) {
      // Node and Python may both have bound a queue by the same key, with other text for the pattern.
      const identity = JSON.stringify([routingKey, queue]);
      if (seen.has(identity)) continue;
      seen.add(identity);
      bindings.push({ exchange: name, destination: queue, destinationType: 'queue', routingKey, arguments: {} });
    }
    const content = JSON.stringify([record ?? null, names, [...seen].sort()]);
    return { name, record, bindings: [...bindings, ...own], version: { signature, content } satisfies TableVersion };
  }

  #sign(exchange: string): string | undefined {
    const files = [this.#own.folder(exchange), ...(this.#python === undefined ? [] : [this.#python.path(exchange)])];
    const youngest = Date.now() - CLOCK_STEP_MS;
    let signature = '';
    for (const file of files) {
      const found = statSync(file, { throwIfNoEntry: false });
      if (found !== undefined && found.mtimeMs > youngest) return undefined;
      signature += found === undefined ? '-' : `${found.ino}:${found.size}:${found.mtimeMs};`;
    }
    return signature;
  }
}
