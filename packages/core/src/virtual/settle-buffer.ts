import { KombuError, OperationalError } from '../errors/index.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { VirtualDelivery } from './delivery.js';
import type { ItemFailure, Settlement, VirtualDriver } from './driver.js';
import { isLinkLoss } from './driver-error.js';
import { isPromise } from './maybe-promise.js';

/**
 * Collects the settlements of a tick and hands them to the driver in one call. Every other operation of the link flushes it
 * first, so that the broker sees them in the order in which they were made.
 */
export class SettleBuffer {
  readonly #driver: VirtualDriver;
  #items: Settlement[] = [];
  #confirms = new Map<Settlement, Deferred<void>>();
  #running = new Set<Promise<void>>();
  /** Handed over and not answered. */
  readonly #sent = new Set<readonly Settlement[]>();
  #unsent: Settlement[] = [];
  /** Who takes settlements now that the link is gone. */
  #late: ((items: readonly Settlement[]) => void) | undefined;
  #scheduled = false;

  constructor(driver: VirtualDriver) {
    this.#driver = driver;
  }

  /** Takes a settlement; it is on its way before anything else that is asked of this link. */
  add(item: Settlement): void {
    this.#items.push(item);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the microtasks that are due, so that handlers which end together are settled together.
    queueMicrotask(() => process.nextTick(() => this.flush()));
  }

  /** As `add`, and resolves when the broker has taken it, or rejects with why not. */
  confirm(item: Settlement): Promise<void> {
    const confirmed = deferred();
    if (this.#late === undefined) this.#confirms.set(item, confirmed);
    else confirmed.reject(unconfirmed(item));
    this.add(item);
    return confirmed.promise;
  }

  /** Hands over what was collected. */
  flush(): void {
    this.#scheduled = false;
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    if (this.#late !== undefined) {
      this.#late(items);
      return;
    }
    const { maxBatch } = this.#driver.limits;
    if (items.length <= maxBatch) {
      this.#send(items);
      return;
    }
    // What is released in several calls has to go back last part first, to end in its old order at the front.
    const released = items.filter((item) => item.outcome === 'release');
    const others = items.filter((item) => item.outcome !== 'release');
    for (let at = 0; at < others.length; at += maxBatch) this.#send(others.slice(at, at + maxBatch));
    for (let end = released.length; end > 0; end -= maxBatch) {
      this.#send(released.slice(Math.max(0, end - maxBatch), end));
    }
  }

  /** Flushes, and resolves when everything that was handed over has been answered. */
  async drained(): Promise<void> {
    this.flush();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * The link is gone: what was not answered, to be sent again over the next one. What comes from now on, because a reserve was
   * answered at the last moment or a copy was on its way to a dead-letter exchange, goes to `late`.
   */
  abandon(late: (items: readonly Settlement[]) => void): readonly Settlement[] {
    this.#late = late;
    const left = [...this.#unsent, ...[...this.#sent].flat(), ...this.#items];
    this.#sent.clear();
    this.#items = [];
    this.#unsent = [];
    for (const [item, confirmed] of this.#confirms) confirmed.reject(unconfirmed(item));
    this.#confirms.clear();
    return left;
  }

  #send(items: readonly Settlement[]): void {
    let answer: readonly ItemFailure[] | Promise<readonly ItemFailure[]>;
    try {
      answer = this.#driver.settle(items);
    } catch (error) {
      this.#failed(items, error);
      return;
    }
    if (!isPromise(answer)) {
      this.#answered(items, answer);
      return;
    }
    this.#sent.add(items);
    const running = answer.then(
      (failures) => this.#answered(items, failures),
      (error: unknown) => this.#failed(items, error),
    );
    this.#running.add(running);
    void running.then(() => {
      this.#sent.delete(items);
      this.#running.delete(running);
    });
  }

  #answered(items: readonly Settlement[], failures: readonly ItemFailure[]): void {
    const unsent = new Set<Settlement>();
    for (const { index, error } of failures) {
      const item = items[index];
      if (item === undefined) continue;
      if (isLinkLoss(error)) {
        unsent.add(item);
        this.#unsent.push(item);
        continue;
      }
      const confirmed = this.#confirms.get(item);
      if (confirmed !== undefined) {
        this.#confirms.delete(item);
        confirmed.reject(error);
      } else if (item instanceof VirtualDelivery) {
        item.holder.settleFailed(item, error);
      }
    }
    if (this.#confirms.size === 0) return;
    for (const item of items) {
      if (unsent.has(item)) continue;
      this.#confirms.get(item)?.resolve();
      this.#confirms.delete(item);
    }
  }

  #failed(items: readonly Settlement[], cause: unknown): void {
    if (isLinkLoss(cause)) {
      this.#unsent.push(...items);
      return;
    }
    const error = KombuError.is(cause)
      ? cause
      : new OperationalError('BROKER_BUSY', 'the broker did not take a settlement', { cause });
    this.#answered(
      items,
      items.map((_, index) => ({ index, error })),
    );
  }
}

function unconfirmed({ outcome }: Settlement): OperationalError {
  return new OperationalError('CONNECTION_LOST', `the link was lost before '${outcome}' was confirmed`);
}
