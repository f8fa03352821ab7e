import { type BindingRecord, topicPattern } from '@kombu/core/virtual';

/** JSON with sorted keys, so that equal arguments have one text. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return Number(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** A member of `_kombu.binding.<exchange>`: routing key, pattern and queue. Only topic exchanges have a pattern. */
export function bindingMember(binding: BindingRecord, sep: string, topic: boolean): string {
  const pattern = topic ? topicPattern(binding.routingKey) : '';
  return binding.routingKey + sep + pattern + sep + binding.destination;
}

/** Reads a member of a binding set; undefined: it is not of three parts. */
export function parseMember(exchange: string, member: string, sep: string): BindingRecord | undefined {
  const [routingKey, , destination, more] = member.split(sep);
  if (routingKey === undefined || destination === undefined || more !== undefined) return undefined;
  return { exchange, destination, destinationType: 'queue', routingKey, arguments: {} };
}

/** A binding that Python has no form for, as our own record of the exchange keeps it. */
export function ownBinding(binding: BindingRecord): string {
  return stable([binding.destinationType, binding.destination, binding.routingKey, binding.arguments]);
}

/** Reads a binding of our own record; undefined: it is not one. */
export function parseOwnBinding(exchange: string, json: string): BindingRecord | undefined {
  const parts: unknown = JSON.parse(json);
  if (!Array.isArray(parts)) return undefined;
  const [destinationType, destination, routingKey, args] = parts;
  if (destinationType !== 'queue' && destinationType !== 'exchange') return undefined;
  if (typeof destination !== 'string' || typeof routingKey !== 'string') return undefined;
  return { exchange, destination, destinationType, routingKey, arguments: args };
}
