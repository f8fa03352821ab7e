import { InvalidOptionError } from '@kombu/core';
import { encodeKeyPart } from '@kombu/core/virtual';

/** The largest value that Consul keeps, by its default limits. */
export const MAX_VALUE_BYTES = 512 * 1024;
/** What is left for the body of a message, in bytes: it is base64 inside its envelope, and 8 KiB are for everything else. */
export const MAX_BODY_BYTES = Math.floor(((MAX_VALUE_BYTES - 8192) / 4) * 3);

/** The names of keys. What is below `<prefix>/` is as in Python Kombu; what Python never looks at is ours. */
export interface Layout {
  /** `kombu/<queue>`: there is such a queue. */
  marker(queue: string): string;
  /** `kombu/<queue>/`: where everything of a queue is. */
  root(queue: string): string;
  /** `kombu/<queue>/declared`: ours, so that the end of the queue is a change below its root. */
  declared(queue: string): string;
  /** `kombu/<queue>/msg/`: its messages. */
  messages(queue: string): string;
  /** `kombu/<queue>/claim/`: ours; who holds which of them. */
  claims(queue: string): string;
  /** What the keys of all queues begin with. */
  readonly queues: string;
  /** What the keys of declarations and consumers begin with: ours. */
  readonly declarations: string;
  /** A key that never exists: asking for it tells the index of the store. */
  readonly nothing: string;
}

/** Names of queues as Python writes them, but for what would make a folder of them. */
function encodeQueue(queue: string): string {
  return queue.replace(/[%/]/g, (char) => (char === '/' ? '%2F' : '%25'));
}

/**
 * Builds the names of keys. A virtual host other than `/` has keys of its own, below `<prefix>@<virtual host>/`.
 *
 * @throws InvalidOptionError for a prefix that is empty or has a `/` at one of its ends
 */
export function createLayout(prefix: string, virtualHost: string | undefined): Layout {
  if (prefix === '' || prefix.startsWith('/') || prefix.endsWith('/')) {
    throw new InvalidOptionError(`transport option 'prefix' must neither be empty nor begin or end with '/'`);
  }
  const own = virtualHost === undefined || virtualHost === '/' || virtualHost === '';
  const base = own ? prefix : `${prefix}@${encodeKeyPart(virtualHost)}`;
  const marker = (queue: string): string => `${base}/${encodeQueue(queue)}`;
  return {
    marker,
    root: (queue) => `${marker(queue)}/`,
    declared: (queue) => `${marker(queue)}/declared`,
    messages: (queue) => `${marker(queue)}/msg/`,
    claims: (queue) => `${marker(queue)}/claim/`,
    queues: `${base}/`,
    declarations: `${base}.node/`,
    nothing: `${base}.node/now`,
  };
}
