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

/** What becomes of messages that were reserved: opened, settled, dead-lettered, given back. */
export class Settling {
  readonly buffer: SettleBuffer;
  readonly #link: Link;
  readonly #deadLetters: DeadLetters;
  readonly #envelopes = new EnvelopeReader();
  readonly #hub: () => BroadcastHub;

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
    return buried.then((burial) => {
      if (burial === 'done') return this.#confirm(delivery);
      this.#bringBack(delivery, 'rejected', burial);
      const why = burial === 'refused' ? 'BROKER_BUSY' : 'CONNECTION_LOST';
      throw new OperationalError(why, `delivery ${delivery.deliveryTag} could not be dead-lettered`);
    });
  }

  /** A message that nobody is to get any more. */
  dispose(reserved: Reserved, content: Content, reason: DeathReason, noAck: boolean): void {
    const { queue, token } = reserved;
    const item: Settlement = { queue, token, outcome: 'drop' };
    if (noAck) void this.#deadLetters.bury(queue, content, reason);
    else this.#bury(item, content, reason);
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
  #bury(item: Settlement, content: Content, reason: DeathReason): void {
    const buried = this.#deadLetters.bury(item.queue, content, reason);
    if (!isPromise(buried)) this.#add(item);
    else void buried.then((burial) => (burial === 'done' ? this.#add(item) : this.#bringBack(item, reason, burial)));
  }

  /**
   * A message that could not be buried goes back to its queue: at once where the link was lost, else as if its lease had ended, so that
   * it is not tried over and over. A lease of its own ends by itself; one of a session does not as long as that lives.
   */
  #bringBack({ queue, token }: Settlement, reason: DeathReason, burial: 'refused' | 'unanswered'): void {
    const { clock, driver, options } = this.#link;
    const { lease } = driver.limits;
    const back = (): void => this.#add({ queue, token, outcome: reason === 'rejected' ? 'requeue' : 'release' });
    if (burial === 'unanswered') back();
    else if (lease === 'session' || lease === 'memory') clock.after(options.leaseMs, back, { unref: true });
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
