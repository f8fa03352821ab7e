import type { Pending } from './pending.js';

/** The number in "message size N is larger than ...". */
function tooLarge(text: string): number | undefined {
  const size = /message size (\d+) is larger/.exec(text)?.[1];
  return size === undefined ? undefined : Number(size);
}

/** What the broker calls the exchange in its refusals: the anonymous one has a name there. */
function quoted(exchange: string): string {
  return `exchange '${exchange === '' ? 'amq.default' : exchange}'`;
}

/**
 * Finds the publish for which the broker closed the channel, by what the broker said: it names the exchange that is not there
 * or not allowed, the user id, the expiration, the delivery mode, the header, or the size; one that is alone can only be
 * that one. Undefined when it cannot be told.
 */
export function refusedPublish(inFlight: readonly Pending[], text: string): Pending | undefined {
  const size = tooLarge(text);
  const header = /unacceptable_type_in_header,"(\w+)"/.exec(text)?.[1];
  const mode = /delivery_mode_unknown,(\d+)/.exec(text)?.[1];
  const found = inFlight.find(({ message, route }) => {
    if (size !== undefined) return message.body.length === size;
    const { userId, expiration, deliveryMode } = message.properties;
    if (header !== undefined) return header in message.headers && !Array.isArray(message.headers[header]);
    if (mode !== undefined) return String(deliveryMode) === mode;
    if (text.includes('user_id')) return userId !== undefined && text.includes(`'${userId}'`);
    if (text.includes('expiration')) return expiration !== undefined && text.includes(expiration);
    return text.includes(quoted(route.exchange));
  });
  return found ?? (inFlight.length === 1 ? inFlight[0] : undefined);
}
