import type { ExchangeTable, TopologyStore } from '@kombu/core/virtual';
import { predeclaredType, standardKinds } from '@kombu/core/virtual';

/** Where an entry of a Python consumer came from. */
export interface ForeignEntry {
  readonly exchange: string;
  readonly routingKey: string;
  /** JSON. */
  readonly headers: string;
}

function parseHeaders(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // Python writes NaN and Infinity
  }
}

/**
 * Finds the queues that a message would go to now, for entries that say nothing but their exchange and routing key. An exchange
 * whose type nobody has recorded is taken for a topic one when one of its bindings has a wildcard: a direct one routes the same.
 */
export class ForeignRouting {
  readonly #topology: TopologyStore;
  readonly #tables = new Map<string, ExchangeTable | undefined>();

  constructor(topology: TopologyStore) {
    this.#topology = topology;
  }

  async queuesOf(entry: ForeignEntry): Promise<readonly string[]> {
    if (entry.exchange === '') return entry.routingKey === '' ? [] : [entry.routingKey];
    const headers = parseHeaders(entry.headers);
    const queues = new Set<string>();
    const exchanges = new Set([entry.exchange]);
    for (const name of exchanges) {
      const table = await this.#load(name);
      if (table === undefined) continue;
      const type = table.record?.type ?? predeclaredType(name) ?? 'topic';
      const kind = standardKinds.find((known) => known.type === type);
      if (kind === undefined) continue;
      const found = new Set<ExchangeTable['bindings'][number]>();
      kind.compile(table.bindings).route(entry.routingKey, headers, found);
      for (const { destination, destinationType } of found)
        (destinationType === 'queue' ? queues : exchanges).add(destination);
    }
    return [...queues];
  }

  async #load(name: string): Promise<ExchangeTable | undefined> {
    if (!this.#tables.has(name)) this.#tables.set(name, await this.#topology.loadExchange(name));
    return this.#tables.get(name);
  }
}
