import { InvalidOptionError } from '@kombu/core';
import { encodeKeyPart } from '@kombu/core/virtual';

/** The names of every key of one broker. The README of the package describes them as a format. */
export interface Keys {
  readonly prefix: string;
  /** Begins the keys of all messages of a queue; the name of the message follows. */
  messages(queue: string): string;
  /** Begins the keys of all claims of a queue; the name of the message follows. */
  claims(queue: string): string;
  /** Changes whenever something becomes ready in the queue. */
  tail(queue: string): string;
  /** Begins the keys of all sessions. */
  readonly sessions: string;
  session(id: string): string;
  /** Begins the keys that say which queues a session has, or had, claims in. */
  readonly allHeld: string;
  held(session: string, queue: string): string;
}

/** What keys go on with after the prefix; a virtual host of such a name would have its keys among them. */
const PARTS = ['messages', 'claims', 'tails', 'sessions', 'held', 'exchanges', 'queues', 'consumers'];

/**
 * Builds the names of every key.
 *
 * @throws InvalidOptionError for a prefix that is not plain ASCII, and for a virtual host that has the name of a part of the keys
 */
export function createKeys(prefix: string, virtualHost: string | undefined): Keys {
  const host = (virtualHost ?? '').replace(/^\//, '');
  if (!/^[\x21-\x7e]*$/.test(prefix)) {
    throw new InvalidOptionError(`transport option 'prefix' must be printable ASCII without spaces: '${prefix}'`);
  }
  if (PARTS.includes(host)) throw new InvalidOptionError(`etcd cannot have a virtual host with the name '${host}'`);
  const start = prefix + (host === '' ? '' : `${encodeKeyPart(host)}/`);
  return {
    prefix: start,
    messages: remembering((queue) => `${start}messages/${encodeKeyPart(queue)}/`),
    claims: remembering((queue) => `${start}claims/${encodeKeyPart(queue)}/`),
    tail: (queue) => `${start}tails/${encodeKeyPart(queue)}`,
    sessions: `${start}sessions/`,
    session: (id) => `${start}sessions/${id}`,
    allHeld: `${start}held/`,
    held: (session, queue) => `${start}held/${session}/${encodeKeyPart(queue)}`,
  };
}

/** The same, without doing it anew for the same queue: many messages of one are settled in a row. */
function remembering(build: (queue: string) => string): (queue: string) => string {
  let last: string | undefined;
  let built = '';
  return (queue) => {
    if (queue !== last) built = build(queue);
    last = queue;
    return built;
  };
}
