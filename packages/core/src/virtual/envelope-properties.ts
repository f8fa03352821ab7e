import type { MessageProperties } from '../transport/delivery.js';

const TO_WIRE: ReadonlyMap<string, string> = new Map([
  ['deliveryMode', 'delivery_mode'],
  ['correlationId', 'correlation_id'],
  ['replyTo', 'reply_to'],
  ['messageId', 'message_id'],
  ['userId', 'user_id'],
  ['appId', 'app_id'],
  ['clusterId', 'cluster_id'],
]);
const FROM_WIRE: ReadonlyMap<string, string> = new Map([...TO_WIRE].map(([ours, wire]) => [wire, ours]));

/** Properties that belong to the envelope, not to the message. `expires_at_ms` is ours; Python passes it on and ignores it. */
const ENVELOPE_ONLY: ReadonlySet<string> = new Set(['delivery_info', 'body_encoding', 'delivery_tag', 'expires_at_ms']);

/** The message's own properties under their names on the wire; other names are kept as given. */
export function toWireProperties(properties: MessageProperties): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const name of Object.keys(properties)) {
    const value = properties[name];
    const wireName = TO_WIRE.get(name) ?? name;
    if (value !== undefined && !ENVELOPE_ONLY.has(wireName) && wireName !== '__proto__') wire[wireName] = value;
  }
  wire.priority ??= 0;
  return wire;
}

/** The message's own properties under the names they have here. */
export function fromWireProperties(wire: Readonly<Record<string, unknown>>): MessageProperties {
  const properties: MessageProperties = {};
  for (const wireName of Object.keys(wire)) {
    const value = wire[wireName];
    if (value === null || ENVELOPE_ONLY.has(wireName) || wireName === '__proto__') continue;
    properties[FROM_WIRE.get(wireName) ?? wireName] = value;
  }
  return properties;
}
