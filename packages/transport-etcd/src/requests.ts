import type { ICompare, IRequestOp, ITxnRequest } from 'etcd3';

/** Most operations that one transaction may have: the server's default for `--max-txn-ops`. */
export const MAX_OPS = 128;
/** Most bytes of values in one transaction, well below the server's default for `--max-request-bytes`, 1.5 MiB. */
export const MAX_TXN_BYTES = 1_400_000;

/** A key, or its bytes where they are needed more than once. */
export type Key = string | Buffer;

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
export function exists(key: Key, there: boolean): ICompare {
  return { key: bytes(key), target: 'Create', result: there ? 'Greater' : 'Equal', create_revision: '0' };
}

/** The key was changed last in this revision; `0`: it is not there. */
export function unchanged(key: Key, revision: string): ICompare {
  return { key: bytes(key), target: 'Mod', result: 'Equal', mod_revision: revision };
}

/** No key begins with `prefix`. */
export function nothingBelow(prefix: string): ICompare {
  return { key: bytes(prefix), range_end: endOf(prefix), target: 'Create', result: 'Equal', create_revision: '0' };
}

export function put(key: Key, value: string | Buffer, lease?: string): IRequestOp {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return { request_put: { key: bytes(key), value: content, ...(lease === undefined ? {} : { lease }) } };
}

export function remove(key: Key): IRequestOp {
  return { request_delete_range: { key: bytes(key) } };
}

/** Removes every key that begins with `prefix`. */
export function removeBelow(prefix: string): IRequestOp {
  return { request_delete_range: { key: bytes(prefix), range_end: endOf(prefix) } };
}

export function read(key: Key): IRequestOp {
  return { request_range: { key: bytes(key) } };
}

/** Reads the revision of a key, not its value. */
export function revisionOf(key: string): IRequestOp {
  return { request_range: { key: bytes(key), keys_only: true } };
}

/** Counts the keys that begin with `prefix`. */
export function countBelow(prefix: string): IRequestOp {
  return { request_range: { key: bytes(prefix), range_end: endOf(prefix), count_only: true } };
}

/** Names of the first keys from `start` on that are before `end`, in order. */
export function keysFrom(start: string, end: Buffer, limit: number): IRequestOp {
  return { request_range: { key: bytes(start), range_end: end, limit, keys_only: true } };
}

/** A transaction within a transaction: of many items, each is done or not on its own. */
export function nested(request: ITxnRequest): IRequestOp {
  return { request_txn: request };
}
