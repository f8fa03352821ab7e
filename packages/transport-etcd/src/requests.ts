/** Most operations that one transaction may have: the server's default for `--max-txn-ops`. */
export const MAX_OPS = 128;
/** Most bytes of values in one transaction, well below the server's default for `--max-request-bytes`, 1.5 MiB. */
export const MAX_TXN_BYTES = 1_400_000;

/** A key, which is ASCII, or its bytes. */
export type Key = string | Buffer;

/** What has to be so for a transaction to be carried out. */
export interface Compare {
  readonly key: Key;
  readonly range_end?: Buffer;
  readonly target: 'Create' | 'Mod' | 'Value';
  readonly result: 'Equal' | 'Greater';
  readonly create_revision?: string;
  readonly mod_revision?: string;
  readonly value?: Buffer;
}

/** One thing that a transaction does: whichever of these is there. */
export interface Operation {
  readonly request_range?: {
    readonly key: Key;
    readonly range_end?: Buffer;
    readonly limit?: number;
    readonly keys_only?: boolean;
    readonly count_only?: boolean;
  };
  readonly request_put?: { readonly key: Key; readonly value: Buffer; readonly lease?: string };
  readonly request_delete_range?: { readonly key: Key; readonly range_end?: Buffer };
  readonly request_txn?: Transaction;
}

/** A transaction, in the terms of etcd's v3 API. */
export interface Transaction {
  readonly compare?: readonly Compare[];
  readonly success?: readonly Operation[];
  readonly failure?: readonly Operation[];
}

/** A key as bytes: keys are ASCII. */
export function bytes(key: Key): Buffer {
  return typeof key === 'string' ? Buffer.from(key, 'latin1') : key;
}

/** The first key after all that begin with `prefix`, which ends in an ASCII character. */
export function endOf(prefix: string): Buffer {
  const end = bytes(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}

/** The key is there, or is not. */
export function exists(key: Key, there: boolean): Compare {
  return { key, target: 'Create', result: there ? 'Greater' : 'Equal', create_revision: '0' };
}

/** The key was changed last in this revision; `0`: it is not there. */
export function unchanged(key: Key, revision: string): Compare {
  return { key, target: 'Mod', result: 'Equal', mod_revision: revision };
}

/** No key begins with `prefix`. */
export function nothingBelow(prefix: string): Compare {
  return { key: prefix, range_end: endOf(prefix), target: 'Create', result: 'Equal', create_revision: '0' };
}

export function put(key: Key, value: string | Buffer, lease?: string): Operation {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return { request_put: { key, value: content, ...(lease === undefined ? {} : { lease }) } };
}

export function remove(key: Key): Operation {
  return { request_delete_range: { key } };
}

/** Removes every key that begins with `prefix`. */
export function removeBelow(prefix: string): Operation {
  return { request_delete_range: { key: prefix, range_end: endOf(prefix) } };
}

export function read(key: Key): Operation {
  return { request_range: { key } };
}

/** Reads the revision of a key, not its value. */
export function revisionOf(key: string): Operation {
  return { request_range: { key, keys_only: true } };
}

/** Counts the keys that begin with `prefix`. */
export function countBelow(prefix: string): Operation {
  return { request_range: { key: prefix, range_end: endOf(prefix), count_only: true } };
}

/** Names of the first keys from `start` on that are before `end`, in order. */
export function keysFrom(start: string, end: Buffer, limit: number): Operation {
  return { request_range: { key: start, range_end: end, limit, keys_only: true } };
}

/** A transaction within a transaction: of many items, each is done or not on its own. */
export function nested(request: Transaction): Operation {
  return { request_txn: request };
}
