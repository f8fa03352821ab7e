import { KVClient } from 'etcd3';

/** Counts the calls to etcd's key-value API that this process makes from now on: each of them is one request. */
export function countCalls() {
  let calls = 0;
  for (const method of ['range', 'put', 'deleteRange', 'txn']) {
    const original = KVClient.prototype[method];
    KVClient.prototype[method] = function (...args) {
      calls++;
      return original.apply(this, args);
    };
  }
  return () => calls;
}
