import type { KeyValueStep, KeyValueStore } from '@kombu/core/virtual';
import type { Keys } from './keys.js';
import type { EtcdLink } from './link.js';
import { bytes, MAX_OPS, type Operation, put, remove, unchanged } from './requests.js';
import type { Session } from './session.js';
import type { Watcher } from './watcher.js';

function operation({ kind, key, value = '' }: KeyValueStep): Operation | undefined {
  if (kind === 'check') return undefined;
  return kind === 'put' ? put(key, value) : remove(key);
}

/** etcd as core's store of declarations and presence: versions are the revisions in which keys were changed last. */
export function createStore(link: EtcdLink, keys: Keys, session: Session, watcher: Watcher): KeyValueStore {
  return {
    session: session.id,
    maxSteps: MAX_OPS,
    async get(key, o) {
      const read = { key: bytes(key) };
      const answer = await link.call(`reading '${key}'`, (options) => link.client.kv.range(read, options), o?.signal);
      const found = answer.kvs[0];
      return { value: found?.value.toString('utf8'), version: found?.mod_revision ?? '0' };
    },
    async commit(steps, o) {
      const request = {
        compare: steps.map(({ key, version }) => unchanged(key, version)),
        success: steps.map(operation).filter((op) => op !== undefined),
      };
      return (await link.txn('changing declarations', request, o?.signal)).succeeded;
    },
    async isLive(id, o) {
      const count = { key: bytes(keys.session(id)), count_only: true };
      const answer = await link.call(
        'looking for a session',
        (options) => link.client.kv.range(count, options),
        o?.signal,
      );
      return Number(answer.count) > 0;
    },
    onRemoved(prefix, listener) {
      return watcher.watch({
        key: prefix,
        scope: 'prefix',
        of: 'removals',
        started() {},
        changed(events) {
          for (const { kv } of events) listener(kv.key.toString('latin1'));
        },
      });
    },
  };
}
