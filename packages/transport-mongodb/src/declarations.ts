import type { BindingRecord, ExchangeRecord, QueueRecord } from '@kombu/core/virtual';

/**
 * A document of ours: an exchange, a queue, a binding that Python has no place for, or who consumes from a queue. Arguments are
 * kept as JSON text, for their names may be such as MongoDB reads something into.
 */
export interface DeclarationDocument {
  readonly _id: string;
  /** `ending`: a queue that somebody is removing because its time is over. */
  readonly kind: 'exchange' | 'queue' | 'ending' | 'binding' | 'presence';
  /** The exchange itself, or the source of a binding. */
  readonly exchange?: string;
  readonly queue?: string;
  /** JSON of the record of an exchange or a queue. */
  readonly record?: string;
  readonly destination?: string;
  readonly destination_type?: BindingRecord['destinationType'];
  readonly routing_key?: string;
  /** JSON with sorted keys. */
  readonly arguments?: string;
  /** When a queue with `x-expires` goes away, unless it is used before; of one that is ending: when somebody else may go on with that. */
  readonly expires_at?: Date | null;
  readonly consumers?: readonly ConsumerEntry[];
  readonly claim?: { readonly owner: string; readonly until: number } | null;
  /** Another one with every change of a `presence`. */
  readonly revision?: number;
}

/** A consumer; `until` is the end of its lease, in milliseconds of the server's clock. */
export interface ConsumerEntry {
  readonly consumer: string;
  readonly owner: string;
  readonly exclusive: boolean;
  readonly until: number;
}

export const exchangeId = (name: string): string => `exchange:${name}`;
export const queueId = (name: string): string => `queue:${name}`;
export const presenceId = (queue: string): string => `presence:${queue}`;

/** JSON with sorted keys, the same for equal arguments. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return Number(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The document of a binding that Python has no place for. */
export function bindingDocument(b: BindingRecord): DeclarationDocument {
  const args = stableJson(b.arguments);
  return {
    _id: `binding:${JSON.stringify([b.exchange, b.destinationType, b.destination, b.routingKey])}${args}`,
    kind: 'binding',
    exchange: b.exchange,
    destination: b.destination,
    destination_type: b.destinationType,
    routing_key: b.routingKey,
    arguments: args,
  };
}

/** The record in a document; undefined where it is not ours. */
export function recordOf<R extends ExchangeRecord | QueueRecord>(document: DeclarationDocument | null): R | undefined {
  if (document?.record === undefined) return undefined;
  try {
    const record: unknown = JSON.parse(document.record);
    return typeof record === 'object' && record !== null ? (record as R) : undefined;
  } catch {
    return undefined;
  }
}

/** The arguments in a document. */
export function argumentsOf(text: string | undefined): BindingRecord['arguments'] {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as BindingRecord['arguments']) : {};
  } catch {
    return {};
  }
}
