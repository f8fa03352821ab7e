import type { DecodeError, Delivery, Headers, MessageProperties } from '@kombu/core';
import type { ContentHeader } from '../wire/properties.js';
import type { Inbox } from './inbox.js';

/** A message as RabbitMQ delivered it, with the AMQP channel that it has to be settled on. */
export class AmqpDelivery implements Delivery {
  readonly deliveryTag: number;
  readonly consumerTag: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly queue: string;
  readonly redelivered: boolean;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly headers: Headers;
  readonly properties: MessageProperties;
  /** The AMQP channel it came on, and its tag there. */
  readonly inbox: Inbox;
  readonly tag: number;
  /** Whether it counted as settled when it was delivered. */
  readonly noAck: boolean;
  /** Whether it is kept back until there is room for it, so that nobody has seen it yet. */
  kept = false;
  readonly #body: Buffer;
  readonly #broken: DecodeError | undefined;

  constructor(
    inbox: Inbox,
    tag: number,
    deliveryTag: number,
    consumerTag: string | undefined,
    noAck: boolean,
    queue: string,
    redelivered: boolean,
    exchange: string,
    routingKey: string,
    header: ContentHeader,
    body: Buffer,
  ) {
    this.inbox = inbox;
    this.tag = tag;
    this.deliveryTag = deliveryTag;
    this.consumerTag = consumerTag;
    this.noAck = noAck;
    this.queue = queue;
    this.redelivered = redelivered;
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.contentType = header.contentType;
    this.contentEncoding = header.contentEncoding;
    this.headers = header.headers;
    this.properties = header.properties;
    this.#body = body;
    this.#broken = header.broken;
  }

  /** @throws DecodeError when the headers of this message are malformed: it must not be taken for one without headers. */
  get body(): Buffer {
    if (this.#broken !== undefined) throw this.#broken;
    return this.#body;
  }
}
