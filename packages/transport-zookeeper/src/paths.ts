import { InvalidOptionError } from '@kombu/core';
import { encodeKeyPart } from '@kombu/core/virtual';

/** Where everything of one virtual host is kept. */
export interface Paths {
  /** The virtual host's own znode: `/` or `/<virtual host>`. */
  readonly root: string;
  /** What is ours, below `.kombu`: nothing that Python looks at. */
  readonly own: string;
  readonly sessions: string;
  readonly held: string;
  readonly claims: string;
  readonly stamps: string;
  /** Every znode that has to be there before anything else, parents first. */
  readonly base: readonly string[];
  /** The znode of a queue; its children are the messages that are ready. */
  queue(name: string): string;
  /** The znode below which the reserved messages of a queue are. */
  claimsOf(name: string): string;
  /** The znode that says that a session lives: an ephemeral one. */
  session(name: string): string;
  /** The znode whose children are the queues that a session has reserved from. */
  heldBy(session: string): string;
  /** The child of `heldBy` for a queue. */
  heldFrom(session: string, queue: string): string;
  /** The znode of a key of declarations or presence, such as `exchanges/media`. */
  key(key: string): string;
}

/** What no part of a path can have: code points that ZooKeeper refuses. */
const UNSUITABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[/\u0000-\u001f\u007f-\u009f\ud800-\udfff\ue000-\uf8ff\ufff0-\uffff\u{10000}-\u{10ffff}]/u;
/** The same, and a `%` that could be read as an escape. */
const REFUSED = new RegExp(`%(?=[0-9A-F]{2})|${UNSUITABLE.source}`, 'gu');

function escaped(char: string): string {
  return [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/**
 * The name of a queue as one part of a path. It is Python's, the name itself, but for what no znode can be called: `/`, `.`, `..`,
 * control characters, and at the root of ZooKeeper its own `zookeeper`. Those are written `%XX`.
 */
export function queueNode(name: string, atRoot: boolean): string {
  const reserved = name === '.' || name === '..' || name === '.kombu' || (atRoot && name === 'zookeeper');
  return reserved ? escaped(name.charAt(0)) + name.slice(1) : name.replace(REFUSED, escaped);
}

/** The name of the queue that {@link queueNode} wrote. */
export function queueOf(node: string): string {
  return node.replace(/(?:%[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** The parts of a path, whatever slashes are around them. */
function partsOf(path: string | undefined): string[] {
  return (path ?? '').split('/').filter((part) => part !== '');
}

/**
 * Names every path of a virtual host below a chroot, as Python Kombu does.
 *
 * @throws InvalidOptionError where a part of them is a name that no znode can have
 */
export function createPaths(virtualHost: string | undefined, chroot: string | undefined): Paths {
  const parts = [...partsOf(chroot), ...partsOf(virtualHost)];
  const bad = parts.find(
    (part, i) => /^\.\.?$/.test(part) || UNSUITABLE.test(part) || (i === 0 && part === 'zookeeper'),
  );
  if (bad !== undefined) {
    throw new InvalidOptionError(`zookeeper: no part of a virtual host or chroot can be called ${JSON.stringify(bad)}`);
  }
  const root = `/${parts.join('/')}`;
  const within = parts.length === 0 ? '' : root;
  const own = `${within}/.kombu`;
  const [sessions, held, claims, stamps] = [`${own}/sessions`, `${own}/held`, `${own}/claims`, `${own}/stamps`];
  const node = (name: string): string => queueNode(name, parts.length === 0);
  const parents = parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
  const documents = ['exchanges', 'queues', 'consumers'].map((kind) => `${own}/${kind}`);
  return {
    root,
    own,
    sessions,
    held,
    claims,
    stamps,
    base: [...parents, own, sessions, held, claims, stamps, ...documents],
    queue: (name) => `${within}/${node(name)}`,
    claimsOf: (name) => `${claims}/${node(name)}`,
    session: (name) => `${sessions}/${name}`,
    heldBy: (session) => `${held}/${session}`,
    heldFrom: (session, queue) => `${held}/${session}/${node(queue)}`,
    key: (key) => `${own}/${key}`,
  };
}

/** The stamp that guards a key: one of a thousand for each kind of keys, never removed, so that its version never comes back. */
export function stampOf(paths: Paths, key: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
  const [kind = ''] = key.split('/');
  return `${paths.stamps}/${encodeKeyPart(kind)}-${hash % 1000}`;
}

/** A message in the hands of a session: `<entry>.<session>.<number>`. */
export function claimNode(entry: string, session: string, count: number): string {
  return `${entry}.${session}.${count.toString(36)}`;
}

/** What {@link claimNode} wrote. */
export function parseClaim(node: string): { readonly entry: string; readonly session: string } | undefined {
  const match = /^(.+)\.([0-9a-f]+)\.[0-9a-z]+$/s.exec(node);
  return match === null ? undefined : { entry: match[1] ?? '', session: match[2] ?? '' };
}

/** The beginning of the names of entries of a priority, as kazoo's Queue writes it: 9 is `entry-000-`. */
export function entryPrefix(priority: number): string {
  return `entry-00${9 - Math.min(9, Math.max(0, Math.trunc(priority)))}-`;
}

/** The name of an entry, less its number, and the number; undefined: no Kombu has written it. */
function numbered(entry: string): { readonly prefix: string; readonly number: number } | undefined {
  const match = /^(.*?-)(-?\d{9,10})$/s.exec(entry);
  return match === null ? undefined : { prefix: match[1] ?? '', number: Number(match[2]) >>> 0 };
}

/** What an entry begins with at the back of its queue; one that was not written by a Kombu counts as priority 0. */
export function prefixOf(entry: string): string {
  return numbered(entry)?.prefix ?? entryPrefix(0);
}

/**
 * The order of entries: that of their names, as in Python. ZooKeeper counts to 2147483647 and goes on from -2147483648: those come
 * after.
 */
export function compareEntries(a: string, b: string): number {
  if (a.includes('--') || b.includes('--')) {
    const [x, y] = [numbered(a), numbered(b)];
    if (x !== undefined && y !== undefined && x.prefix === y.prefix) return x.number - y.number;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
