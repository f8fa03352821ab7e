import { OperationalError } from '../errors/index.js';
import type { MaybePromise } from '../transport/channel.js';
import type { Outcome } from '../transport/delivery.js';
import { type BroadcastHub, BroadcastToken, isBroadcast } from './broadcast-hub.js';
import { DeadLetters, type Forward } from './dead-letter.js';
import { DeadMessage } from './dead-message.js';
import { type Content, VirtualDelivery } from './delivery.js';
import type { PutResult, Reserved, Settlement } from './driver.js';
import { asKombuError } from './driver-error.js';
import { EnvelopeReader } from './envelope-reader.js';
import type { Link } from './link.js';
import { isPromise } from './maybe-promise.js';
import { putEntry } from './publisher.js';
import { settingsOf } from './queue-arguments.js';
import { SettleBuffer } from './settle-buffer.js';
import { StoredContent } from './stored-content.js';
import type { DeathReason } from './x-death.js';

/** A message that leaves its queue for good. */
type Dying = Settlement & Pick<Reserved, 'payload' | 'redelivered'>;

/** What becomes of messages that were reserved: opened, settled, dead-lettered, given back. */
export class Settling {
  readonly buffer: SettleBuffer;
  readonly #link: Link;
  readonly #deadLetters: DeadLetters;
  readonly #envelopes = new EnvelopeReader();
  readonly #hub: () => BroadcastHub;
  /** Brings back what could not be buried, and keeps it from being done. */
  readonly #refused = new Map<() => void, () => void>();
  #state: 'open' | 'lost' = 'open';

  constructor(link: Link, forward: Forward, hub: () => BroadcastHub) {
    this.#link = link;
    this.buffer = new SettleBuffer(link.driver);
    this.#deadLetters = new DeadLetters(link, forward);
    this.#hub = hub;
  }

  /** Makes a message of what was stored. Never throws. */
  open(reserved: Reserved): Content {
    const { payload, queue, properties } = reserved;
    return typeof payload === 'string' ? this.#envelopes.read(payload, queue, properties) : StoredContent.of(payload);
  }

  settle(delivery: VirtualDelivery, outcome: Outcome | 'release'): void {
    this.#end(delivery, outcome);
    if (outcome === 'reject') this.#bury(delivery, delivery.content, 'rejected');
    else this.#add(delivery);
  }

  /** As `settle`, and ends when the broker has it. */
  settleConfirmed(delivery: VirtualDelivery, outcome: Outcome | 'release'): MaybePromise<void> {
    this.#end(delivery, outcome);
    if (outcome !== 'reject') return this.#confirm(delivery);
    const buried = this.#deadLetters.bury(delivery.queue, delivery.content, 'rejected');
    if (!isPromise(buried)) return this.#confirm(delivery);
    return buried.then((done) => {
      if (done) return this.#confirm(delivery);
      this.#bringBack(delivery, 'rejected');
      const why = this.#state === 'lost' ? 'CONNECTION_LOST' : 'BROKER_BUSY';
      throw new OperationalError(why, `delivery ${delivery.deliveryTag} could not be dead-lettered`);
    });
  }

  /** A message that nobody is to get any more. */
  dispose(reserved: Reserved, content: Content, reason: DeathReason, noAck: boolean): void {
    if (noAck) void this.#deadLetters.bury(reserved.queue, content, reason);
    else this.#bury({ ...reserved, outcome: 'drop' }, content, reason);
  }

  /** Reserved for somebody who is not there any more: back to the front, in order. */
  giveBack(reserved: readonly Reserved[], noAck: boolean): void {
    const stored: Reserved[] = [];
    for (const one of reserved) {
      if (isBroadcast(one)) this.#hub().release(one);
      else if (noAck && one.token === undefined) stored.push(one);
      else this.buffer.add({ queue: one.queue, token: one.token, outcome: 'release' });
    }
    if (stored.length > 0) this.#storeAgain(stored);
  }

  /**
   * The link is gone: returns what was not answered, to be settled over the next one; what is settled from now on goes to `late`, and
   * so does what could not be buried.
   */
  abandon(late: (items: readonly Settlement[]) => void): readonly Settlement[] {
    this.#state = 'lost';
    const left = this.buffer.abandon(late);
    for (const [back, cancel] of this.#refused) {
      cancel();
      back();
    }
    return left;
  }

  /** Resolves when the broker has everything that was settled. */
  async drained(): Promise<void> {
    await this.#deadLetters.drained();
    await this.buffer.drained();
  }

  #end(delivery: VirtualDelivery, outcome: Outcome | 'release'): void {
    delivery.state = 'settled';
    delivery.outcome = outcome === 'reject' ? 'drop' : outcome;
    delivery.list?.remove(delivery);
    delivery.holder.released(delivery);
  }

  #add(item: Settlement): void {
    if (item.token instanceof BroadcastToken) this.#endBroadcast(item, item.token);
    else this.buffer.add(item);
  }

  #confirm(delivery: VirtualDelivery): MaybePromise<void> {
    if (!(delivery.token instanceof BroadcastToken)) return this.buffer.confirm(delivery);
    this.#endBroadcast(delivery, delivery.token);
  }

  /** Nobody but this process holds it. */
  #endBroadcast(item: Settlement, token: BroadcastToken): void {
    if (!(item instanceof VirtualDelivery)) return;
    const { queue, payload, redelivered, outcome } = item;
    if (outcome === 'release') this.#hub().release({ queue, token, payload, redelivered });
    else if (outcome === 'requeue') this.#hub().requeue({ queue, payload });
  }

  /** To the dead-letter exchange, then out of the queue. */
  #bury(item: Dying, content: Content, reason: DeathReason): void {
    const buried = this.#deadLetters.bury(item.queue, content, reason);
    if (!isPromise(buried)) this.#add(item);
    else void buried.then((done) => (done ? this.#add(item) : this.#bringBack(item, reason)));
  }

  /**
   * A message that could not be buried goes back to its queue: after the time of a lease, so that it is not tried over and over, or
   * as soon as the link is lost. The lease of a session would not end by itself.
   */
  #bringBack(item: Dying, reason: DeathReason): void {
    const { queue, token } = item;
    const outcome = reason === 'rejected' ? 'requeue' : 'release';
    const back = (): void => {
      this.#refused.delete(back);
      if (!isBroadcast(item)) this.buffer.add({ queue, token, outcome });
      else if (outcome === 'requeue') this.#hub().requeue(item);
      else this.#hub().release(item);
    };
    const { clock, options } = this.#link;
    if (this.#state === 'lost') back();
    else this.#refused.set(back, clock.after(options.leaseMs, back, { unref: true }));
  }

  /** Messages that were taken for good: all that can be done is to store them again. */
  #storeAgain(reserved: readonly Reserved[]): void {
    const entries = reserved.map((one) => {
      const { queue, payload } = one;
      const content = this.open(one);
      const message = new DeadMessage(content, content.takeHeaders(), content.takeProperties());
      const expiresAt = one.expiresAt ?? content.expiresAt;
      const to = { queue, record: undefined, settings: settingsOf(undefined) };
      return putEntry(this.#link, message, content, to, { payload, deliveryTag: content.deliveryTag ?? '', expiresAt });
    });
    const failed = (cause: unknown): void => this.#link.warn(asKombuError(cause, 'giving messages back failed'));
    const answered = ({ failures }: PutResult): void => {
      for (const { error } of failures) failed(error);
    };
    try {
      const put = this.#link.driver.put({ entries, check: [] });
      if (isPromise(put)) put.then(answered, failed);
      else answered(put);
    } catch (cause) {
      failed(cause);
    }
  }
}
