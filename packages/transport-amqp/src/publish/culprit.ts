import type { Pending } from './pending.js';

/** The number in "message size N is larger than ...". */
function tooLarge(text: string): number | undefined {
  const size = /message size (\d+) is larger/.exec(text)?.[1];
  return size === undefined ? undefined : Number(size);
}

/**
 * Finds the publish for which the broker closed the channel, by what the broker said: it names the exchange that is not there
 * or not allowed, the user id, the expiration, or the size. Undefined when it cannot be told.
 */
export function refusedPublish(inFlight: readonly Pending[], text: string): Pending | undefined {
  const size = tooLarge(text);
  return inFlight.find(({ message, route }) => {
    if (size !== undefined) return message.body.length === size;
    const { userId, expiration } = message.properties;
    if (text.includes('user_id')) return userId !== undefined && text.includes(`'${userId}'`);
    if (text.includes('expiration')) return expiration !== undefined && text.includes(expiration);
    return text.includes(`exchange '${route.exchange}'`);
  });
}
