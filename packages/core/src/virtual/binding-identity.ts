import type { BindingRecord } from './topology-store.js';

/** JSON with sorted keys: the identity of a binding's arguments. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return String(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
  });
}

/** Two bindings of one exchange are the same when this is: destination, key and arguments. */
export function bindingIdentity(b: BindingRecord): string {
  return JSON.stringify([b.destinationType, b.destination, b.routingKey]) + stable(b.arguments);
}
