/** Number of distinct priorities. */
export const PRIORITIES = 10;

/** What the name of a message says. */
export interface MessageName {
  /** Where it stands among the priorities: `0` is served first. The first character of the name. */
  readonly rank: string;
  readonly redelivered: boolean;
  /** Wall-clock milliseconds. */
  readonly expiresAt: number | undefined;
}

const NAME = /^(\d)-[0-9a-f]{16}-[0-9a-f]{4}(r?)(?:\.(\d+))?$/;

/** The rank of a priority from 0 to 9: the highest sorts first. */
export function rankOf(priority: number): string {
  return String(PRIORITIES - 1 - Math.min(PRIORITIES - 1, Math.max(0, Math.trunc(priority))));
}

/**
 * Names a message so that names sort in the order of serving: rank, then the revision of the queue's tail that its put replaced,
 * then its place in that put. No two puts of a queue replace the same revision.
 */
export function messageName(
  rank: string,
  base: string,
  index: number,
  redelivered: boolean,
  expiresAt: number | undefined,
): string {
  const place = `${BigInt(base).toString(16).padStart(16, '0')}-${index.toString(16).padStart(4, '0')}`;
  return `${rank}-${place}${redelivered ? 'r' : ''}${expiresAt === undefined ? '' : `.${Math.ceil(expiresAt)}`}`;
}

/** Reads a name; undefined: it is not that of a message. */
export function parseName(name: string): MessageName | undefined {
  const found = NAME.exec(name);
  if (found === null) return undefined;
  const [, rank = '', flag, expires] = found;
  return { rank, redelivered: flag === 'r', expiresAt: expires === undefined ? undefined : Number(expires) };
}

/** The same place in the queue, flagged as redelivered. */
export function flagged(name: string): string {
  return name.replace(/^(\d-[0-9a-f]{16}-[0-9a-f]{4})r?/, '$1r');
}
