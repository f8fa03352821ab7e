import type { KeyValueStep, KeyValueStore } from '@kombu/core/virtual';
import type { ConsulLink } from './link.js';
import { encodeValue, MAX_OPERATIONS, type Operation, transact } from './transactions.js';

/** The version of a key that is not there. Others are the indexes of their last changes, which never come again. */
const MISSING = '0';

function operationsOf({ kind, key: Key, version, value = '' }: KeyValueStep): Operation[] {
  const Index = Number(version);
  const Value = encodeValue(value);
  const check: Operation =
    version === MISSING ? { KV: { Verb: 'check-not-exists', Key } } : { KV: { Verb: 'check-index', Key, Index } };
  if (kind === 'check') return [check];
  if (kind === 'put') return [{ KV: { Verb: 'cas', Key, Index, Value } }];
  return version === MISSING ? [check] : [check, { KV: { Verb: 'delete', Key } }];
}

/** Keys with compare-and-set, and sessions: what declarations and consumers are kept in. */
export function createStore(link: ConsulLink): KeyValueStore {
  return {
    maxSteps: MAX_OPERATIONS / 2,
    session: link.session,
    async get(key, o) {
      const { kv } = link.client;
      const { data } = await link.call<{ readonly Value: string | null; readonly ModifyIndex: number } | undefined>(
        `reading ${key}`,
        (options) => kv.get({ key, ...options } as never),
        { signal: o?.signal },
      );
      if (data === undefined) return { value: undefined, version: MISSING };
      return { value: data.Value ?? '', version: String(data.ModifyIndex) };
    },
    async commit(steps, o) {
      const { Errors } = await transact(link, 'changing declarations', steps.flatMap(operationsOf), o?.signal);
      return Errors === null;
    },
    async isLive(id, o) {
      const { session } = link.client;
      const { data } = await link.call(
        'looking for a session',
        (options) => session.info({ id, ...options } as never),
        {
          signal: o?.signal,
        },
      );
      return data !== undefined && data !== null;
    },
  };
}
