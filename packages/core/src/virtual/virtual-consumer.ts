import type { KombuError } from '../errors/index.js';
import type { Delivery } from '../transport/delivery.js';
import { Credit } from './credit.js';
import { type Content, type DeliveryHolder, type UnsettledList, VirtualDelivery } from './delivery.js';
import type { Reserved } from './driver.js';
import type { LoopConsumer } from './feed.js';
import type { PresenceEntry } from './presence-store.js';

/** What a consumer needs of its channel. */
export interface ConsumerHome {
  readonly unsettled: UnsettledList;
  readonly channelCredit: Credit;
  nextTag(content: Content): string | number;
  now(): number;
  /** Credit came back. */
  resume(): void;
  settleFailed(delivery: Delivery, error: KombuError): void;
  deliverFailed(error: unknown): void;
}

/** A consumer of a channel: makes deliveries of messages and counts them against its prefetch. */
export class VirtualConsumer implements LoopConsumer, DeliveryHolder {
  readonly tag: string;
  readonly queue: string;
  readonly noAck: boolean;
  readonly credit: Credit;
  readonly presence: PresenceEntry;
  readonly #home: ConsumerHome;
  readonly #deliver: (delivery: Delivery) => void;

  constructor(
    home: ConsumerHome,
    presence: PresenceEntry,
    request: { readonly tag: string; readonly noAck: boolean; readonly prefetch: number },
    deliver: (delivery: Delivery) => void,
  ) {
    this.tag = request.tag;
    this.queue = presence.queue;
    this.noAck = request.noAck;
    this.credit = new Credit(request.prefetch);
    this.presence = presence;
    this.#home = home;
    this.#deliver = deliver;
  }

  get channelCredit(): Credit {
    return this.#home.channelCredit;
  }

  deliver(reserved: Reserved, content: Content): void {
    const home = this.#home;
    const redelivered = content.redelivered || reserved.redelivered === true || (reserved.attempts ?? 0) > 0;
    const tag = home.nextTag(content);
    const delivery = new VirtualDelivery(tag, this, reserved, content, redelivered, this.noAck, home.now());
    if (this.noAck) this.#giveBack();
    else home.unsettled.add(delivery);
    try {
      this.#deliver(delivery);
    } catch (error) {
      home.deliverFailed(error);
    }
  }

  released(): void {
    this.#giveBack();
    this.#home.resume();
  }

  settleFailed(delivery: VirtualDelivery, error: KombuError): void {
    this.#home.settleFailed(delivery, error);
  }

  #giveBack(): void {
    this.credit.give(1);
    this.channelCredit.give(1);
  }
}

/** Holds what `get` returned: no credit, no tag. */
export class GetHolder implements DeliveryHolder {
  readonly tag = undefined;
  readonly #home: ConsumerHome;

  constructor(home: ConsumerHome) {
    this.#home = home;
  }

  released(): void {}

  settleFailed(delivery: VirtualDelivery, error: KombuError): void {
    this.#home.settleFailed(delivery, error);
  }
}
