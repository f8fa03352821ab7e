import type { BindingRecord, ExchangeRecord, ExchangeTable } from '@kombu/core/virtual';
import type { WithId } from 'mongodb';
import type { Collections } from './collections.js';
import { argumentsOf, type DeclarationDocument, recordOf, stableJson } from './declarations.js';
import type { RoutingDocument } from './documents.js';
import type { MongodbLink } from './link.js';

/** The version of what is not there. */
const NOTHING = '';

function tableOf(
  name: string,
  own: readonly DeclarationDocument[],
  rows: readonly Pick<RoutingDocument, 'exchange' | 'queue' | 'routing_key'>[],
): ExchangeTable {
  let record: ExchangeRecord | undefined;
  // Node and Python may both have bound a queue by the same key, with other text for the pattern.
  const bindings = new Map<string, BindingRecord>();
  const add = (binding: BindingRecord): void => {
    const { destinationType, destination, routingKey } = binding;
    bindings.set(stableJson([destinationType, destination, routingKey, binding.arguments]), binding);
  };
  for (const { queue, routing_key } of rows) {
    if (typeof queue !== 'string') continue;
    const routingKey = typeof routing_key === 'string' ? routing_key : '';
    add({ exchange: name, destination: queue, destinationType: 'queue', routingKey, arguments: {} });
  }
  for (const document of own) {
    if (document.kind === 'exchange') record = recordOf<ExchangeRecord>(document);
    const { destination, destination_type: destinationType, routing_key: routingKey } = document;
    if (destination === undefined || destinationType === undefined || routingKey === undefined) continue;
    add({ exchange: name, destination, destinationType, routingKey, arguments: argumentsOf(document.arguments) });
  }
  const version =
    record === undefined && bindings.size === 0
      ? NOTHING
      : JSON.stringify([record === undefined ? null : stableJson(record), ...[...bindings.keys()].sort()]);
  return { name, record, bindings: [...bindings.values()], version };
}

/** Whether nobody has declared the exchange or bound anything to it. */
export function isNothing(table: ExchangeTable): boolean {
  return table.version === NOTHING;
}

/** Reads the routing tables of some exchanges as they are now: two calls, however many they are. */
export async function readTables(
  link: MongodbLink,
  { routing, declarations }: Collections,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<readonly ExchangeTable[]> {
  const exchange = names.length === 1 ? names[0] : { $in: [...names] };
  const what = 'reading routing tables';
  const [rows, own] = (await Promise.all([
    link.run(what, () => routing.find({ exchange } as object).toArray(), signal),
    link.run(what, () => declarations.find({ exchange } as object).toArray(), signal),
  ])) as [WithId<RoutingDocument>[], DeclarationDocument[]];
  return names.map((name) =>
    tableOf(
      name,
      own.filter((document) => document.exchange === name),
      rows.filter((row) => row.exchange === name),
    ),
  );
}
