import type { Clock } from '@kombu/core';
import type { Credentials } from './client.js';

/** A session of ZooKeeper. It outlives its socket for a while, and another socket may take it up. */
export interface Session extends Credentials {
  /** Its number in hexadecimal: how it is called in znodes. */
  readonly name: string;
  /** As the server has it: so long after its last sign of life it ends. */
  readonly timeoutMs: number;
  /** The znodes of messages that are in somebody's hands. */
  readonly held: Set<string>;
  /** The queues that it has a znode for, below `held`. */
  readonly marked: Set<string>;
}

/** Sessions of links that were lost, by Connection, for as long as they can be taken up. */
export class Sessions {
  readonly #kept = new Map<string, { readonly session: Session; readonly forget: () => void }>();

  keep(connectionId: string, session: Session, clock: Clock): void {
    this.take(connectionId);
    const forget = clock.after(session.timeoutMs, () => this.#kept.delete(connectionId), { unref: true });
    this.#kept.set(connectionId, { session, forget });
  }

  take(connectionId: string): Session | undefined {
    const kept = this.#kept.get(connectionId);
    if (kept === undefined) return undefined;
    kept.forget();
    this.#kept.delete(connectionId);
    return kept.session;
  }
}
