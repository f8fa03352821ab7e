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

/** What the name of a queue cannot have in a key: what would make a folder of it, and what Consul takes for unprintable and refuses. */
const SPECIAL = /[%/]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

function percent(text: string): string {
  return Buffer.from(text).toString('hex').toUpperCase().replace(/../g, '%$&');
}

/** Names of queues as Python writes them, but for what Consul or the path of a call has no place for. */
function encodeQueue(queue: string): string {
  return queue === '.' || queue === '..' ? percent(queue) : queue.replace(SPECIAL, percent);
}

/**
 * Builds the names of keys. A virtual host other than `/` has keys of its own, below `<prefix>@<virtual host>/`.
 *
 * @throws InvalidOptionError for a prefix that is empty, has an empty part, or `.` or `..` as a part
 */
export function createLayout(prefix: string, virtualHost: string | undefined): Layout {
  if (prefix.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    const rule = `must be names with a '/' between two of them, none of which is empty, '.' or '..'`;
    throw new InvalidOptionError(`transport option 'prefix' ${rule}: '${prefix}'`);
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
