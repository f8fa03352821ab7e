import { KombuError, MessageStateError } from '../errors/index.js';
import { isBroadcast } from './broadcast-hub.js';
import type { UnsettledList, VirtualDelivery } from './delivery.js';
import { asKombuError, isLinkLoss } from './driver-error.js';
import type { Link } from './link.js';
import { jittered } from './poll.js';

/**
 * Renews the leases of everything that is in hand, every third of a lease, so that a handler may take as long as it likes
 * while its process lives. A delivery whose lease is someone else's by now is `lost`: its credit is free again, and its channel
 * is told.
 */
export class LeaseKeeper {
  readonly #link: Link;
  readonly #lists: ReadonlySet<UnsettledList>;
  #cancel: (() => void) | undefined;
  #state: 'idle' | 'running' | 'stopped' = 'idle';

  constructor(link: Link, lists: ReadonlySet<UnsettledList>) {
    this.#link = link;
    this.#lists = lists;
  }

  /** Begins, where the driver's leases are to be renewed at all; `now`: some of them may be about to end. */
  start(now: boolean): void {
    if (this.#state !== 'idle' || this.#link.driver.extend === undefined) return;
    this.#state = 'running';
    if (now) void this.#renew().then(() => this.#schedule());
    else this.#schedule();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#state !== 'running') return;
    const ms = jittered(this.#link.options.leaseMs / 3);
    this.#cancel = this.#link.clock.after(ms, () => void this.#renew().then(() => this.#schedule()), { unref: true });
  }

  async #renew(): Promise<void> {
    const { clock, driver, options } = this.#link;
    const now = clock.monotonic();
    // What is younger than a third of a lease can wait for the next round.
    const due: VirtualDelivery[] = [];
    for (const list of this.#lists) {
      for (const delivery of list.toArray()) {
        if (now - delivery.leasedAt >= options.leaseMs / 4 && !isBroadcast(delivery)) due.push(delivery);
      }
    }
    const { maxBatch } = driver.limits;
    for (let at = 0; at < due.length && this.#state === 'running'; at += maxBatch) {
      const batch = due.slice(at, at + maxBatch).filter((delivery) => delivery.state === 'unsettled');
      if (batch.length > 0) await this.#extend(batch, clock.monotonic());
    }
  }

  async #extend(batch: readonly VirtualDelivery[], now: number): Promise<void> {
    try {
      const failures = await this.#link.driver.extend?.(batch, this.#link.options.leaseMs);
      for (const delivery of batch) delivery.leasedAt = now;
      for (const { index, error } of failures ?? []) {
        const delivery = batch[index];
        // The next link renews what this one could not.
        if (delivery !== undefined && !isLinkLoss(error)) this.#lost(delivery, error);
      }
    } catch (cause) {
      if (this.#state === 'running') this.#link.warn(asKombuError(cause, 'renewing leases failed'));
    }
  }

  #lost(delivery: VirtualDelivery, error: KombuError): void {
    if (delivery.state !== 'unsettled') return;
    delivery.state = 'lost';
    delivery.list?.remove(delivery);
    delivery.holder.released(delivery);
    const what = `the lease of delivery ${delivery.deliveryTag} of queue '${delivery.queue}' was lost`;
    const isLost = KombuError.is(error, 'ERR_KOMBU_LEASE_LOST');
    delivery.holder.settleFailed(
      delivery,
      isLost ? error : new MessageStateError('LEASE_LOST', what, { cause: error }),
    );
  }
}
