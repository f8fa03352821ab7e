import type { Headers, MessageProperties, WireMessage } from '../transport/delivery.js';
import { copyTable } from '../util/copy-table.js';
import type { Content } from './delivery.js';
import type { StoredMessage } from './driver.js';

/** A message that is stored as an object, and what is inside of each of its deliveries. */
export class StoredContent implements Content, StoredMessage {
  readonly message: WireMessage;
  readonly exchange: string;
  readonly routingKey: string;

  constructor(message: WireMessage, exchange: string, routingKey: string) {
    this.message = message;
    this.exchange = exchange;
    this.routingKey = routingKey;
  }

  /** Of a payload that a driver returned. */
  static of(stored: StoredMessage): StoredContent {
    if (stored instanceof StoredContent) return stored;
    return new StoredContent(stored.message, stored.exchange, stored.routingKey);
  }

  get contentType(): string | undefined {
    return this.message.contentType;
  }
  get contentEncoding(): string | undefined {
    return this.message.contentEncoding;
  }
  get redelivered(): boolean {
    return false;
  }
  get expiresAt(): undefined {
    return undefined;
  }
  get deliveryTag(): undefined {
    return undefined;
  }
  get encoded(): undefined {
    return undefined;
  }
  get extra(): undefined {
    return undefined;
  }
  takeHeaders(): Headers {
    return copyTable(this.message.headers);
  }
  takeProperties(): MessageProperties {
    return { ...this.message.properties };
  }
  readBody(): Uint8Array {
    return this.message.body;
  }
}
