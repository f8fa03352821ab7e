import type { BindingRecord, ExchangeRecord, ExchangeTable } from '@kombu/core/virtual';
import { parseMember, parseOwnBinding } from './binding-members.js';

/** The digest of an exchange that nobody knows. */
export const NO_TABLE = '|da39a3ee5e6b4b0d3255bfef95601890afd80709';

/**
 * The version of a routing table. `text` is what the server compares; it also depends on the order in which the server lists
 * the set, which may change by itself. `content` does not.
 */
export interface TableVersion {
  text: string;
  readonly content: string;
}

/** A flat list of fields and values, as HGETALL returns it. */
function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return found;
}

/** Reads a record of ours; undefined: not JSON, or not a record. */
export function parseRecord<T extends { readonly name: string }>(json: string | null | undefined): T | undefined {
  if (!json) return undefined;
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null && 'name' in value ? (value as T) : undefined;
}

/** Builds the routing table of an exchange from what the store has of it. */
export function readTable(
  name: string,
  version: string,
  own: readonly string[],
  members: readonly string[],
  sep: string,
): ExchangeTable {
  let record: ExchangeRecord | undefined;
  const bindings: BindingRecord[] = [];
  const seen = new Set<string>();
  for (const member of members) {
    const binding = parseMember(name, member, sep);
    if (binding === undefined) continue;
    // Node and Python may both have bound a queue by the same key, with other text for the pattern.
    const identity = `${binding.routingKey}${sep}${binding.destination}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    bindings.push(binding);
  }
  for (const [field, value] of pairs(own)) {
    if (field === 'record') record = parseRecord<ExchangeRecord>(value);
    else if (field.startsWith('b:')) {
      const binding = parseOwnBinding(name, field.slice(2));
      if (binding !== undefined) bindings.push(binding);
    }
  }
  const mark = version.slice(0, version.indexOf('|'));
  const content = JSON.stringify([mark, ...[...members].sort()]);
  return { name, record, bindings, version: { text: version, content } satisfies TableVersion };
}

/** Whether nobody has declared the exchange or bound anything to it. */
export function isNothing(table: ExchangeTable): boolean {
  return table.record === undefined && table.bindings.length === 0;
}
