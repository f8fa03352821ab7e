import { type Clock, OperationalError, uuid } from '@kombu/core';
import type { Keys } from './keys.js';
import type { EtcdLink } from './link.js';
import { put } from './requests.js';

/** A session: a lease of the server, and a key that goes away with it. Whatever this link has claimed is claimed in its name. */
export interface Session {
  /** Names it among all sessions ever. */
  readonly id: string;
  /** The lease that holds it. */
  readonly lease: string;
  /** How long it outlives its last sign of life, as the server has it. */
  readonly ttlMs: number;
  /** The revision of its key, which each claim compares: what was asked for with an earlier one is not carried out any more. */
  revision: string;
}

/** Starts a session that outlives its last sign of life by `leaseMs`, or longer where the server has a longer minimum. */
export async function startSession(
  link: EtcdLink,
  keys: Keys,
  leaseMs: number,
  deadlineMs: number,
  what: string,
): Promise<Session> {
  const TTL = Math.max(1, Math.ceil(leaseMs / 1000));
  const granted = await link.call(what, (options) =>
    link.client.leaseClient.leaseGrant({ TTL }, { ...options, deadline: Date.now() + deadlineMs }),
  );
  const [id, lease] = [uuid(), granted.ID];
  const { header } = await link.txn(what, { success: [put(keys.session(id), '', lease)] });
  return { id, lease, ttlMs: Number(granted.TTL) * 1000, revision: header.revision };
}

/** The lease has run out without a word: whatever was claimed is anybody's. */
export function sessionEnded(link: EtcdLink): OperationalError {
  const error = new OperationalError('CONNECTION_LOST', 'the session at etcd has ended');
  link.fail(error);
  return error;
}

/**
 * Keeps a session alive until the link ends, with a sign of life every `everyMs`. Ends the link when the session has ended, or when
 * the server has not answered before the next sign is due: that is how a link that is dead without a word is found out.
 */
export async function keepAlive(link: EtcdLink, session: Session, clock: Clock, everyMs: number): Promise<void> {
  const what = 'keeping the session at etcd';
  const stream = await link.stream(what, (options) => link.client.leaseClient.leaseKeepAlive(options));
  let cancel = (): void => {};
  let state: 'asked' | 'answered' = 'answered';
  stream.on('data', ({ TTL }: { TTL: string }) => {
    state = 'answered';
    if (Number(TTL) <= 0) sessionEnded(link);
  });
  const ask = (): void => {
    if (!link.isOpen) return;
    if (state === 'asked') {
      link.fail(new OperationalError('CONNECTION_LOST', `etcd has not answered for ${Math.round(everyMs)} ms`));
      return;
    }
    state = 'asked';
    stream.write({ ID: session.lease });
    // What arrived while the process was busy is read between two turns of the event loop; only then the verdict is fair.
    cancel = clock.after(everyMs, () => setImmediate(() => setImmediate(ask)), { unref: true });
  };
  void link.closed.then(() => cancel());
  ask();
}
