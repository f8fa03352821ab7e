import type { Return } from '../wire/frame-reader.js';
import type { ContentHeader } from '../wire/properties.js';
import type { ConfirmWindow } from './confirm-window.js';
import type { Pending } from './pending.js';

/** The properties that tell messages with the same body apart. */
const TELLING = [
  'messageId',
  'correlationId',
  'replyTo',
  'timestamp',
  'type',
  'appId',
  'priority',
  'expiration',
] as const;

function sameProperties({ message }: Pending, header: ContentHeader): boolean {
  if (message.contentType !== header.contentType) return false;
  return TELLING.every((name) => (message.properties[name] ?? undefined) === (header.properties[name] ?? undefined));
}

/**
 * Finds the publish that a `basic.return` speaks of. AMQP does not say, but the order does: the broker handles publishes one
 * after the other and returns a message before it confirms it, so the publish is one that is not confirmed, was made after
 * the last one that is known to be handled (`after`), and went to the same place with the same bytes. Of several that are
 * equal in all of that, it is the first; nobody can tell them apart, consumers included.
 */
export function returnedPublish(
  window: ConfirmWindow<Pending>,
  after: number,
  method: Return,
  header: ContentHeader,
  body: Buffer,
): { seq: number; pending: Pending } | undefined {
  let likely: { seq: number; pending: Pending } | undefined;
  for (const [seq, pending] of window.entries(after + 1)) {
    const { route, message } = pending;
    if (!route.mandatory || route.exchange !== method.exchange || route.routingKey !== method.routingKey) continue;
    if (message.body.length !== body.length || body.compare(message.body) !== 0) continue;
    if (sameProperties(pending, header)) return { seq, pending };
    likely ??= { seq, pending };
  }
  return likely;
}

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
