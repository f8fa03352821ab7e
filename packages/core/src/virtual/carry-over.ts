import type { Clock } from '../util/clock.js';
import type { UnsettledList } from './delivery.js';
import type { Settlement } from './driver.js';
import type { PresenceEntry } from './presence-store.js';

/** What a link that was lost leaves to the next one of its Connection. */
export interface Leftovers {
  /** Deliveries that are still in somebody's hands: their leases go on being renewed. */
  readonly unsettled: readonly UnsettledList[];
  /** Settlements that the broker did not answer: sent again. */
  readonly settlements: readonly Settlement[];
  /** Consumers that could not say good-bye. */
  readonly presence: readonly PresenceEntry[];
}

/** Connections that are remembered at most; one that never comes back is forgotten in the end. */
const MAX_CONNECTIONS = 1000;

/** Takes what has to be settled in place of a link that was lost. */
export type Heir = (settlements: readonly Settlement[]) => void;

/**
 * Keeps what links have left, by Connection, for as long as it may be of use: a delivery of the old link can be settled over the
 * new one, and is not delivered again in between.
 */
export class CarryOver {
  readonly #heirs = new Map<string, Heir>();
  readonly #kept = new Map<string, { readonly left: Leftovers; readonly cancel: () => void }>();

  /** Keeps it for `ms` milliseconds; `undefined`: until there is a link, however long that takes. */
  keep(connectionId: string, left: Leftovers, clock: Clock, ms: number | undefined): void {
    const earlier = this.take(connectionId);
    const all: Leftovers =
      earlier === undefined
        ? left
        : {
            unsettled: [...earlier.unsettled, ...left.unsettled],
            settlements: [...earlier.settlements, ...left.settlements],
            presence: [...earlier.presence, ...left.presence],
          };
    if (all.unsettled.length === 0 && all.settlements.length === 0 && all.presence.length === 0) return;
    const forget = (): boolean => this.#kept.delete(connectionId);
    const cancel = ms === undefined ? () => {} : clock.after(ms, forget, { unref: true });
    this.#kept.set(connectionId, { left: all, cancel });
    const [oldest = ''] = this.#kept.keys();
    if (this.#kept.size > MAX_CONNECTIONS) this.take(oldest);
  }

  /** Settlements that a link was asked for after it was lost: for the link that its Connection has now, or else for the next one. */
  late(connectionId: string, settlements: readonly Settlement[], clock: Clock, ms: number | undefined): void {
    const heir = this.#heirs.get(connectionId);
    if (heir !== undefined) heir(settlements);
    else this.keep(connectionId, { unsettled: [], settlements, presence: [] }, clock, ms);
  }

  /** There is a link: what comes late is for it. */
  appoint(connectionId: string, heir: Heir): void {
    this.#heirs.set(connectionId, heir);
  }

  /** That link is gone, too. */
  dismiss(connectionId: string, heir: Heir): void {
    if (this.#heirs.get(connectionId) === heir) this.#heirs.delete(connectionId);
  }

  /** What was kept so far. */
  take(connectionId: string): Leftovers | undefined {
    const kept = this.#kept.get(connectionId);
    if (kept === undefined) return undefined;
    kept.cancel();
    this.#kept.delete(connectionId);
    return kept.left;
  }
}
