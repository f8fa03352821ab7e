import type { Op } from '../transport/channel.js';

/** A key as it was read. */
export interface KeyValue {
  /** Undefined: the key is not there. */
  readonly value: string | undefined;
  /**
   * What the store compares in a commit; opaque to core. A key that is not there has a version as well. A key that was removed
   * and made again must not come back to a version it had before.
   */
  readonly version: string;
}

/** One step of a commit. Its key must still have the version that was read. */
export interface KeyValueStep {
  readonly kind: 'put' | 'remove' | 'check';
  readonly key: string;
  readonly version: string;
  /** With 'put': the new value. */
  readonly value?: string;
}

/**
 * A store of keys with compare-and-set over several keys, and sessions: all that shared declarations and presence need.
 * {@link createKeyValueTopology} and {@link createKeyValuePresence} are built on it. Every method rejects with OperationalError when
 * the link is gone, and ends early when `o.signal` is aborted.
 */
export interface KeyValueStore {
  /** The key as it is now: never as it was before this call began, whichever process wrote it. */
  get(key: string, o?: Op): Promise<KeyValue>;
  /**
   * Does all the steps at once, each on a key of its own, or none: `false` when a version is not what it was. Rejects when a value
   * is larger than the store can keep.
   */
  commit(steps: readonly KeyValueStep[], o?: Op): Promise<boolean>;
  /** How many steps one commit may have, at least 3. */
  readonly maxSteps: number;
  /** Names the session of this link among all sessions ever: it lives as long as the link does, and a little longer. */
  readonly session: string;
  /** Whether a session lives. Once it does not, it never will again. */
  isLive(session: string, o?: Op): Promise<boolean>;
  /** Calls `listener` with each key below `prefix` that is removed, by whoever; the returned function ends that. */
  onRemoved?(prefix: string, listener: (key: string) => void): () => void;
}

/** Bytes of UTF-8 that stand for themselves in a key. */
const PLAIN = /^[A-Za-z0-9_-]$/;

/**
 * Writes a name so that it can be one part of any store's key: what is not a letter of ASCII, a digit, `_`, `-` or `.` becomes `%XX`,
 * byte by byte of its UTF-8, and so does a `.` at the beginning.
 */
export function encodeKeyPart(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name)) return name;
  let encoded = '';
  for (const byte of Buffer.from(name)) {
    const char = String.fromCharCode(byte);
    const plain = PLAIN.test(char) || (char === '.' && encoded !== '');
    encoded += plain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** The name that {@link encodeKeyPart} wrote; undefined: it did not write this. */
export function decodeKeyPart(part: string): string | undefined {
  try {
    const name = decodeURIComponent(part);
    return encodeKeyPart(name) === part ? name : undefined;
  } catch {
    return undefined;
  }
}
