import { types } from 'node:util';
import { deliveryModeNumber } from '../entity/delivery-mode.js';
import { InvalidOptionError } from '../errors/index.js';
import type { Headers, MessageProperties } from '../transport/delivery.js';
import { milliseconds, wholeNumber } from '../util/check-options.js';
import { copyTable } from '../util/copy-table.js';
import type { MessageOptions } from './publish-options.js';

const OWNER = 'publish';

/** Shared by every message that has no more to say; nobody may change them. */
const PLAIN: Readonly<Record<1 | 2, MessageProperties>> = {
  1: Object.freeze({ deliveryMode: 1, priority: 0 }),
  2: Object.freeze({ deliveryMode: 2, priority: 0 }),
};
const NO_HEADERS: Headers = Object.freeze({});
/** An octet, as AMQP has it. */
const MAX_PRIORITY = 255;
/** Properties that are text. */
const TEXTS = ['correlationId', 'messageId', 'type', 'appId', 'userId'] as const;

/**
 * The properties of a message: delivery mode and priority always (as Kombu sends them), the others when they are given. With
 * nothing but the delivery mode the same frozen object is given every time.
 */
export function propertiesOf(options: MessageOptions, fallbackMode: 1 | 2): MessageProperties {
  const mode =
    options.deliveryMode === undefined
      ? fallbackMode
      : (deliveryModeNumber(OWNER, options.deliveryMode) ?? fallbackMode);
  if (isPlain(options)) return PLAIN[mode];
  const further = options.properties && checkedTable('properties', options.properties);
  const properties: MessageProperties = { deliveryMode: mode, priority: 0, ...further };
  if (options.deliveryMode !== undefined) properties.deliveryMode = mode;
  properties.priority = checkedPriority(options.priority ?? properties.priority);
  if (options.expirationMs !== undefined) {
    const ms = milliseconds(OWNER, 'expirationMs', options.expirationMs);
    if (ms !== undefined) properties.expiration = String(ms);
  }
  if (options.replyTo !== undefined) properties.replyTo = nameOf(options.replyTo);
  if (options.timestamp !== undefined) properties.timestamp = wholeSeconds(options.timestamp);
  for (const name of TEXTS) {
    if (options[name] !== undefined) properties[name] = checkedText(name, options[name]);
  }
  return properties;
}

function isPlain(o: MessageOptions): boolean {
  return (
    o.properties === undefined &&
    o.priority === undefined &&
    o.correlationId === undefined &&
    o.replyTo === undefined &&
    o.expirationMs === undefined &&
    o.messageId === undefined &&
    o.timestamp === undefined &&
    o.type === undefined &&
    o.appId === undefined &&
    o.userId === undefined
  );
}

/** A copy of the headers, with the compression that the body has, if any; the caller's own object may change later. */
export function headersOf(
  given: Readonly<Record<string, unknown>> | undefined,
  compression: string | undefined,
): Headers {
  const copy = given && copyTable(checkedTable('headers', given));
  if (compression !== undefined) return { ...copy, compression };
  return copy ?? NO_HEADERS;
}

function checkedTable<T extends object>(name: string, value: T): T {
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw new InvalidOptionError(`${OWNER}: '${name}' must be an object`);
}

function checkedText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new InvalidOptionError(`${OWNER}: '${name}' must be a string`);
}

function checkedPriority(priority: unknown): number {
  return wholeNumber(OWNER, 'priority', priority, 0, MAX_PRIORITY) ?? 0;
}

function nameOf(target: NonNullable<MessageOptions['replyTo']>): string {
  const name = checkedText('replyTo', typeof target === 'object' ? target?.name : target);
  if (name !== '' || typeof target === 'string') return name;
  throw new InvalidOptionError(
    `${OWNER}: the queue of 'replyTo' has no name yet; give the bound queue that was declared`,
  );
}

function wholeSeconds(time: Date | number): number {
  const ms = typeof time === 'number' ? time : types.isDate(time) ? time.getTime() : Number.NaN;
  if (!Number.isFinite(ms)) throw new InvalidOptionError(`${OWNER}: 'timestamp' must be a valid Date or milliseconds`);
  return Math.floor(ms / 1000);
}
