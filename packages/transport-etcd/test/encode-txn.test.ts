import { describe, expect, it } from '@jest/globals';
import { Etcd3 } from 'etcd3';
import { TxnEncoder } from '../src/encode-txn.js';
import {
  type Compare,
  countBelow,
  endOf,
  exists,
  keysFrom,
  nested,
  nothingBelow,
  put,
  read,
  remove,
  removeBelow,
  revisionOf,
  type Transaction,
  unchanged,
} from '../src/requests.js';

interface Method {
  requestSerialize(request: object): Buffer;
  requestDeserialize(bytes: Buffer): object;
}
const client = new Etcd3({ hosts: 'http://127.0.0.1:1' });
const { pool } = client as unknown as {
  pool: { hosts: { getServiceClient(name: string): { txn: Method } }[] };
};
const txn = pool.hosts[0]?.getServiceClient('KV').txn as Method;
client.close();

/** With keys as etcd3 takes them. */
const withBytes = (value: unknown): unknown => {
  if (Buffer.isBuffer(value) || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withBytes);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      name === 'key' && typeof one === 'string' ? Buffer.from(one, 'latin1') : withBytes(one),
    ]),
  );
};
/** What etcd3 reads, written again by etcd3: the same for all ways of writing the same. */
const written = (encoded: Buffer): Buffer => txn.requestSerialize(txn.requestDeserialize(encoded));
const same = (request: Transaction): void => {
  const theirs = txn.requestSerialize(withBytes(request) as object);
  const ours = new TxnEncoder().encode(request);
  expect(written(ours).equals(written(theirs))).toBe(true);
};
const byValue: Compare = { key: 'k', target: 'Value', result: 'Equal', value: Buffer.from('me') };

describe('a transaction that is encoded here', () => {
  it('is read as the one that etcd3 writes', () => {
    same({});
    same({
      compare: [exists('a', true), exists('b', false), unchanged('c', '0'), unchanged('d', '300'), nothingBelow('e/')],
      success: [
        put('a', 'ü'),
        put('b', '', '7587862093482761250'),
        put('c', 'x', '-3'),
        remove('d'),
        removeBelow('e/'),
      ],
      failure: [
        read('f'),
        revisionOf('g'),
        countBelow('h/'),
        keysFrom('i/', endOf('i/'), 500),
        keysFrom('j', endOf('k'), 0),
      ],
    });
    const revisions = ['1', '127', '128', '16383', '16384', '4294967296', '9007199254740993', '9223372036854775807'];
    for (const revision of revisions) same({ compare: [unchanged('k', revision)] });
    same({
      success: [nested({ compare: [byValue], success: [nested({ success: [remove('k')] })], failure: [read('k')] })],
    });
  });

  it('may be long, and leaves nothing behind for the next one', () => {
    const encoder = new TxnEncoder();
    const key = 'k'.repeat(3000);
    const long = { success: Array.from({ length: 100 }, (_, i) => put(`${key}${i}`, Buffer.alloc(i * 997, i))) };
    const theirs = txn.requestSerialize(withBytes(long) as object);
    expect(written(encoder.encode(long)).equals(written(theirs))).toBe(true);
    const short = { success: [read('k')] };
    expect(encoder.encode(short)).toEqual(new TxnEncoder().encode(short));
  });
});
