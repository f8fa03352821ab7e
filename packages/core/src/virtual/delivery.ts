import { type KombuError, MessageStateError, StaleDeliveryError } from '../errors/index.js';
import type { Delivery, Headers, MessageProperties } from '../transport/delivery.js';
import type { Payload, Settlement, SettleOutcome } from './driver.js';

/** A body as it stands in an envelope. */
export interface EncodedBody {
  readonly value: unknown;
  /** `base64`, `utf-8`, or undefined: the text itself. */
  readonly encoding: string | undefined;
}

/** What is inside of a delivery: a stored object, or an envelope decoded as far as it had to be. */
export interface Content {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  /** Wall clock from which on it is expired. */
  readonly expiresAt: number | undefined;
  /** The tag inside of an envelope. */
  readonly deliveryTag: string | undefined;
  /** The body as it stands in its envelope, to be stored again as it is; undefined: there is no envelope. */
  readonly encoded: EncodedBody | undefined;
  /** Keys of the envelope that mean nothing here, to be passed on. */
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  /** The headers, for one delivery to keep. */
  takeHeaders(): Headers;
  /** The properties, for one delivery to keep. */
  takeProperties(): MessageProperties;
  /** The body's bytes. Throws DecodeError when there are none to be had. */
  readBody(): Uint8Array;
}

/** Who gave a delivery out, and gets its credit back. */
export interface DeliveryHolder {
  readonly tag: string | undefined;
  /** Called once, when the delivery is settled, lost or given back. */
  released(delivery: VirtualDelivery): void;
  settleFailed(delivery: VirtualDelivery, error: KombuError): void;
}

/** `auto`: of a noAck consumer, nothing to settle. `stale`: died with its link. `lost`: someone else has it by now. */
export type DeliveryState = 'unsettled' | 'settled' | 'auto' | 'stale' | 'lost';

/** A message in the hands of a consumer. It is its own {@link Settlement}, so that settling makes no object. */
export class VirtualDelivery implements Delivery, Settlement {
  readonly queue: string;
  readonly token: unknown;
  /** As it was stored. */
  readonly payload: Payload;
  readonly deliveryTag: string | number;
  readonly holder: DeliveryHolder;
  readonly content: Content;
  readonly redelivered: boolean;
  /** Monotonic time of the reservation, or of its last renewal. */
  leasedAt: number;
  state: DeliveryState;
  outcome: SettleOutcome = 'ack';
  list: UnsettledList | undefined = undefined;
  before: VirtualDelivery | undefined = undefined;
  after: VirtualDelivery | undefined = undefined;
  #body: Uint8Array | undefined = undefined;
  #headers: Headers | undefined = undefined;
  #properties: MessageProperties | undefined = undefined;

  constructor(
    tag: string | number,
    holder: DeliveryHolder,
    reserved: { readonly queue: string; readonly token: unknown; readonly payload: Payload },
    content: Content,
    redelivered: boolean,
    noAck: boolean,
    leasedAt: number,
  ) {
    this.queue = reserved.queue;
    this.token = reserved.token;
    this.payload = reserved.payload;
    this.deliveryTag = tag;
    this.holder = holder;
    this.content = content;
    this.redelivered = redelivered;
    this.leasedAt = leasedAt;
    this.state = noAck ? 'auto' : 'unsettled';
  }

  get consumerTag(): string | undefined {
    return this.holder.tag;
  }
  get exchange(): string {
    return this.content.exchange;
  }
  get routingKey(): string {
    return this.content.routingKey;
  }
  get contentType(): string | undefined {
    return this.content.contentType;
  }
  get contentEncoding(): string | undefined {
    return this.content.contentEncoding;
  }
  get headers(): Headers {
    this.#headers ??= this.content.takeHeaders();
    return this.#headers;
  }
  get properties(): MessageProperties {
    this.#properties ??= this.content.takeProperties();
    return this.#properties;
  }
  get body(): Uint8Array {
    this.#body ??= this.content.readBody();
    return this.#body;
  }
}

/** The error that settling a delivery in this state ends with. */
export function settleError(delivery: VirtualDelivery): MessageStateError | StaleDeliveryError {
  const what = `delivery ${delivery.deliveryTag} of queue '${delivery.queue}'`;
  if (delivery.state === 'stale') return new StaleDeliveryError(`${what} died with its connection`);
  if (delivery.state === 'lost') return new MessageStateError('LEASE_LOST', `${what} has gone to another consumer`);
  return new MessageStateError('ALREADY_SETTLED', `${what} was settled before`);
}

/** The unsettled deliveries of a channel, oldest first: a linked list through the deliveries themselves. */
export class UnsettledList {
  #first: VirtualDelivery | undefined = undefined;
  #last: VirtualDelivery | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(delivery: VirtualDelivery): void {
    delivery.list = this;
    delivery.before = this.#last;
    if (this.#last === undefined) this.#first = delivery;
    else this.#last.after = delivery;
    this.#last = delivery;
    this.#size++;
  }

  remove(delivery: VirtualDelivery): void {
    if (delivery.list !== this) return;
    const { before, after } = delivery;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    delivery.list = undefined;
    delivery.before = undefined;
    delivery.after = undefined;
    this.#size--;
  }

  /** Its link is gone, and what was in hand with it. */
  die(): void {
    for (const delivery of this.toArray()) {
      delivery.state = 'stale';
      this.remove(delivery);
    }
  }

  /** A copy of what is in it now, oldest first; with `last`, up to and including that. */
  toArray(last?: VirtualDelivery): VirtualDelivery[] {
    const all: VirtualDelivery[] = [];
    for (let at = this.#first; at !== undefined; at = at.after) {
      all.push(at);
      if (at === last) break;
    }
    return all;
  }
}
