import { ChannelError } from '@kombu/core';
import type { KeyValueStep, KeyValueStore } from '@kombu/core/virtual';
import { CODES } from './client.js';
import { type DriverContext, OVERHEAD_BYTES } from './driver-context.js';
import type { Step } from './link.js';
import { makeBase } from './make-base.js';
import { stampOf } from './paths.js';

/** A version of a key, as core keeps it: that of its stamp, and whether the key was there. */
interface Version {
  readonly stamp: number;
  readonly there: boolean;
}

function parseVersion(version: string): Version {
  return { stamp: Number.parseInt(version, 10), there: version.endsWith('+') };
}

/** The step that is refused when the key has changed since it had this version. */
export function checkStep(context: DriverContext, key: string, version: string): Step {
  return { kind: 'check', path: stampOf(context.paths, key), version: parseVersion(version).stamp };
}

/**
 * Declarations and presence in znodes: one for each key. What is compared is the version of a stamp, a znode that many keys share and
 * that every change of one of them writes: znodes that are made anew begin at version 0 again, a stamp is never removed.
 */
export function createKeyValueStore(context: DriverContext): KeyValueStore {
  const { link, paths, session, maxBufferBytes } = context;
  let synced = false;

  /** The server that we talk to may be behind the others. Once a turn of the event loop will do. */
  const catchUp = (): void => {
    if (synced) return;
    synced = true;
    process.nextTick(() => {
      synced = false;
    });
    link.sync(paths.own).catch(() => {});
  };

  /** A stamp begins at version 1: the client library takes a 0 for any version. */
  const makeStamp = (path: string): Promise<unknown> =>
    link.multi('making a stamp', [
      { kind: 'create', path },
      { kind: 'set', path, version: -1 },
    ]);

  const stepsOf = (step: KeyValueStep): Step[] => {
    const path = paths.key(step.key);
    const { there } = parseVersion(step.version);
    if (step.kind === 'check') return [];
    if (step.kind === 'remove') return there ? [{ kind: 'remove', path }] : [];
    const data = Buffer.from(step.value ?? '');
    return there ? [{ kind: 'set', path, version: -1, data }] : [{ kind: 'create', path, data }];
  };

  /** Throws PRECONDITION_FAILED for what the server would not read: it would drop the connection. */
  const checkSize = (steps: readonly Step[], { key }: KeyValueStep): void => {
    const bytes = steps.reduce((sum, step) => sum + (('data' in step && step.data?.length) || 0), 0);
    if (bytes <= maxBufferBytes - OVERHEAD_BYTES) return;
    const what = `key '${key}' would have ${bytes} bytes with what changes with it, more than ZooKeeper takes at once`;
    throw new ChannelError('PRECONDITION_FAILED', `${what} (too many bindings, or arguments that are too long)`);
  };

  return {
    maxSteps: 50,
    session: session.name,
    async get(key, o) {
      const stamp = stampOf(paths, key);
      for (;;) {
        catchUp();
        // The version first: what changes in between makes a commit fail, and no harm is done.
        const [stat, value] = await Promise.all([link.stat(stamp, o?.signal), link.get(paths.key(key), o?.signal)]);
        if (stat !== undefined) {
          return { value: value?.toString(), version: `${stat.version}${value === undefined ? '-' : '+'}` };
        }
        await makeStamp(stamp);
      }
    },
    async commit(steps, o) {
      const stamps = new Map<string, Step>();
      for (const { kind, key, version } of steps) {
        const path = stampOf(paths, key);
        const { stamp } = parseVersion(version);
        const known = stamps.get(path);
        if (known !== undefined && 'version' in known && known.version !== stamp) return false;
        if (known?.kind === 'set') continue;
        stamps.set(path, { kind: kind === 'check' ? 'check' : 'set', path, version: stamp });
      }
      const changes = steps.flatMap(stepsOf);
      if (steps[0] !== undefined) checkSize(changes, steps[0]);
      const outcome = await link.multi('changing declarations', [...stamps.values(), ...changes], o?.signal);
      if (outcome.done) return true;
      if (outcome.code === CODES.noNode) await makeBase(context);
      else if (outcome.code !== CODES.badVersion && outcome.code !== CODES.nodeExists) {
        throw link.translate({ code: outcome.code, message: 'refused' }, 'changing declarations');
      }
      return false;
    },
    isLive: async (name, o) => (await link.stat(paths.session(name), o?.signal)) !== undefined,
  };
}
