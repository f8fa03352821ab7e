import { type InspectOptions, inspect } from 'node:util';
import type { Channel } from '../connection/channel.js';
import { withDeadline } from '../connection/deadlines.js';
import { asKombuError } from '../connection/retry.js';
import { type KombuError, MessageStateError } from '../errors/index.js';
import type { Delivery, Headers, MessageProperties, Outcome } from '../transport/delivery.js';
import { abortError } from '../util/abort.js';
import type { Logger } from '../util/logger.js';
import type { DeliveryInfo } from './delivery-info.js';
import type { MessageOwner } from './message-owner.js';
import { payloadOf } from './message-payload.js';
import {
  type AckOptions,
  checkSettleOptions,
  handled,
  type RejectOptions,
  type RequeueOptions,
} from './settle-options.js';

/** What has become of a message. `released`: it went back untouched, because its consumer ended. */
export type MessageState = 'received' | 'acked' | 'rejected' | 'requeued' | 'released';

/** What is made only when somebody asks for it. */
interface Extras {
  headers?: Headers;
  properties?: MessageProperties;
  info?: DeliveryInfo;
  errors?: KombuError[];
}

const NOT_YET: unique symbol = Symbol('not decoded yet');
/** What settling normally ends with: one resolved promise for all, so that awaiting it costs nothing. */
const SETTLED: Promise<void> = Promise.resolve();

class Failure {
  readonly error: KombuError;
  constructor(error: KombuError) {
    this.error = error;
  }
}

/**
 * A message that was received. `T` is the type its payload is taken to be.
 *
 * It stays unsettled until `ack`, `reject` or `requeue`; what is never settled goes back to its queue when its channel closes.
 * A settle method that fails rejects its promise (MessageStateError ALREADY_SETTLED, StaleDeliveryError; InvalidOptionError),
 * but one that nobody awaits never becomes an unhandled rejection, unless it was given an option that is none.
 */
export class Message<T = unknown> {
  readonly #delivery: Delivery;
  readonly #owner: MessageOwner;
  #state: MessageState = 'received';
  #payload: unknown = NOT_YET;
  #body: Buffer | undefined = undefined;
  #extras: Extras | undefined = undefined;
  #previous: Message | undefined = undefined;
  #next: Message | undefined = undefined;

  /** @internal */
  constructor(delivery: Delivery, owner: MessageOwner) {
    this.#delivery = delivery;
    this.#owner = owner;
  }

  /** The decoded body; decoded on first use, then kept. Throws DecodeError when it cannot be, ContentDisallowed when it may not be. */
  get payload(): T {
    const value = this.#payload;
    if (value === NOT_YET) return this.#decode();
    if (value instanceof Failure) throw value.error;
    return value as T;
  }

  /** The same as {@link Message.payload}. */
  decode(): T {
    return this.payload;
  }

  #decode(): T {
    try {
      const value = payloadOf(this.#delivery, this.body, this.#body !== undefined, this.#owner.codec);
      this.#payload = value;
      return value as T;
    } catch (error) {
      throw this.fail(asKombuError(error, 'decoding the body'));
    }
  }

  /**
   * The bytes of the body, decompressed (as they came where `accept` is `'any'`). Not to be changed: on memory other copies of
   * the message share them. Throws DecodeError.
   */
  get body(): Buffer {
    const body = this.#body ?? this.#delivery.body;
    return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }

  /** Application headers, as sent. */
  get headers(): Headers {
    const extras = this.#more();
    extras.headers ??= { ...this.#delivery.headers };
    return extras.headers;
  }

  /** Everything else that was sent with it. */
  get properties(): MessageProperties {
    const extras = this.#more();
    extras.properties ??= { ...this.#delivery.properties };
    return extras.properties;
  }

  /** Where it came from. */
  get deliveryInfo(): DeliveryInfo {
    const { exchange, routingKey, queue, redelivered, consumerTag } = this.#delivery;
    const extras = this.#more();
    extras.info ??= Object.freeze({ exchange, routingKey, queue, redelivered, consumerTag });
    return extras.info;
  }

  /** Names this delivery on its channel. */
  get deliveryTag(): string | number {
    return this.#delivery.deliveryTag;
  }

  /** The MIME type of the body. */
  get contentType(): string | undefined {
    return this.#delivery.contentType;
  }

  /** The character set of the body, or `binary`. */
  get contentEncoding(): string | undefined {
    return this.#delivery.contentEncoding;
  }

  /** The channel that it came on. */
  get channel(): Channel {
    return this.#owner.channel;
  }

  /** Whether it is settled. With `noAck` it is from the start. */
  get acknowledged(): boolean {
    return this.#state !== 'received' || this.#owner.noAck;
  }

  /** What is wrong with it, if it cannot be decoded. */
  get errors(): readonly KombuError[] {
    return this.#extras?.errors ?? [];
  }

  /** Done: the broker forgets it. */
  ack(options?: AckOptions): Promise<void> {
    return this.#settle('ack', 'acked', options);
  }

  /** Drops it (or dead-letters it); with `requeue` it goes back to its queue. */
  reject(options?: RejectOptions): Promise<void> {
    return options?.requeue
      ? this.#settle('requeue', 'requeued', options, 'reject')
      : this.#settle('reject', 'rejected', options);
  }

  /** Puts it back on its own queue, flagged as redelivered. */
  requeue(options?: RequeueOptions): Promise<void> {
    return this.#settle('requeue', 'requeued', options);
  }

  /** Like {@link Message.ack}, but what goes wrong is logged instead of thrown. */
  ackLogError(logger: Pick<Logger, 'error'>, options?: AckOptions): Promise<void> {
    return this.#logged(this.ack(options), 'acknowledge', logger);
  }

  /** Like {@link Message.reject}, but what goes wrong is logged instead of thrown. */
  rejectLogError(logger: Pick<Logger, 'error'>, options?: RejectOptions): Promise<void> {
    return this.#logged(this.reject(options), 'reject', logger);
  }

  #settle(outcome: Outcome, state: MessageState, options: AckOptions | undefined, method = outcome): Promise<void> {
    const owner = this.#owner;
    try {
      if (options !== undefined) checkSettleOptions(method, options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (owner.noAck) return SETTLED;
    if (this.#state !== 'received') return handled(Promise.reject(this.#alreadySettled()));
    if (options?.signal?.aborted) return handled(Promise.reject(abortError(options.signal, method)));
    const multiple = options?.multiple === true;
    this.#state = state;
    let settling: Promise<void> | void;
    try {
      settling =
        options === undefined
          ? owner.channel.settle(this.#delivery, outcome)
          : owner.channel.settle(this.#delivery, outcome, { multiple, confirm: options.confirm === true });
    } catch (error) {
      this.#state = 'received';
      owner.settled(this, false);
      return handled(Promise.reject(error));
    }
    owner.settled(this, multiple);
    if (settling === undefined) return SETTLED;
    const settled = settling as Promise<void>;
    return handled(
      options === undefined ? settled : withDeadline(options, owner.channel.connection.clock, method, () => settled),
    );
  }

  #alreadySettled(): MessageStateError {
    return new MessageStateError(
      'ALREADY_SETTLED',
      `Message ${String(this.deliveryTag)} of queue '${this.#delivery.queue}' is ${this.#state} already`,
    );
  }

  #logged(settling: Promise<void>, what: string, logger: Pick<Logger, 'error'>): Promise<void> {
    return settling.catch((error: unknown) => {
      logger.error(`could not ${what} message ${String(this.deliveryTag)}`, error);
    });
  }

  #more(): Extras {
    this.#extras ??= {};
    return this.#extras;
  }

  /** For logs: what it is and where it came from, neither its body nor its headers. */
  toJSON(): Record<string, unknown> {
    const { deliveryTag, exchange, routingKey, queue, redelivered, contentType } = this.#delivery;
    return { deliveryTag, exchange, routingKey, queue, redelivered, contentType, state: this.#state };
  }

  /** The same for `util.inspect` and `console.log`. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Message ${inspect(this.toJSON(), options)}`;
  }

  /** What the channel settles. @internal */
  get delivery(): Delivery {
    return this.#delivery;
  }

  /** @internal */
  get owner(): MessageOwner {
    return this.#owner;
  }

  /** The error that its payload throws, if any. @internal */
  get failure(): KombuError | undefined {
    return this.#payload instanceof Failure ? this.#payload.error : undefined;
  }

  /** Makes its payload throw `error`. @internal */
  fail(error: KombuError): KombuError {
    this.#payload = new Failure(error);
    const extras = this.#more();
    extras.errors ??= [];
    extras.errors.push(error);
    return error;
  }

  /** Its payload, as a schema has made it. @internal */
  checked(payload: unknown): void {
    this.#payload = payload;
  }

  /** The body, decompressed. @internal */
  inflated(body: Buffer): void {
    this.#body = body;
  }

  /** It was settled by other means than its own methods: settling it again is refused. @internal */
  mark(state: Exclude<MessageState, 'received'>): void {
    this.#state = state;
  }

  /** The next one of the list it is in. @internal */
  get next(): Message | undefined {
    return this.#next;
  }
  /** @internal */
  set next(message: Message | undefined) {
    this.#next = message;
  }

  /** The one before it in the list it is in. @internal */
  get previous(): Message | undefined {
    return this.#previous;
  }
  /** @internal */
  set previous(message: Message | undefined) {
    this.#previous = message;
  }
}
