import { ChannelError, UndeliverableError } from '../errors/index.js';
import type { MaybePromise, PublishOp } from '../transport/channel.js';
import type { MessageProperties, Route, WireMessage } from '../transport/delivery.js';
import type { Destination } from './binding-cache.js';
import type { Payload, PutEntry, Reserved } from './driver.js';
import type { Link } from './link.js';

/** What a publisher leaves to its connection. */
export interface PublishHooks {
  /** Settlements go out before a put does. */
  flush(): void;
  /** Pushed out by max-length: to be dead-lettered and settled. */
  evicted(reserved: readonly Reserved[]): void;
  /** A message of this queue will expire then (wall clock). */
  willExpire(queue: string, at: number): void;
  /** A message was stored in this queue. */
  stored(queue: string): void;
}

/** Publishes for one channel, in call order. */
export interface Publisher {
  /** @param keep leaves queues out, where core itself publishes: NO_ROUTE does not exist then */
  publish(message: WireMessage, route: Route, o?: PublishOp, keep?: (queue: string) => boolean): MaybePromise<void>;
  /** Resolves when nothing is on its way any more. */
  drained(): Promise<void>;
  /** The channel has ended: what waits ends with `error`. */
  close(error: Error): void;
}

/** NOT_FOUND for an exchange that nobody declared. */
export function unknownExchange(exchange: string): ChannelError {
  return new ChannelError('NOT_FOUND', `there is no exchange '${exchange}'`);
}

/** NO_ROUTE for a mandatory message. */
export function noRoute(route: Route): UndeliverableError {
  const where = route.exchange === '' ? 'the anonymous exchange' : `exchange '${route.exchange}'`;
  return new UndeliverableError(
    'NO_ROUTE',
    `no queue takes a message of ${where} with routing key '${route.routingKey}'`,
  );
}

const DIGITS = /^\d{1,15}$/;

/** Milliseconds that a message may live, by its `expiration`; undefined: for ever. */
export function expirationMs(message: WireMessage): number | undefined {
  const { expiration } = message.properties;
  if (expiration === undefined || expiration === null) return undefined;
  if (typeof expiration === 'string' && DIGITS.test(expiration)) return Number(expiration);
  throw new ChannelError(
    'PRECONDITION_FAILED',
    `expiration must be whole milliseconds as decimal text, not ${JSON.stringify(expiration)}`,
  );
}

/** When a message expires in this queue: by its own expiration or by the queue's TTL, whichever is first. */
export function expiresAt(ttlMs: number | undefined, to: Destination, now: () => number): number | undefined {
  const queueTtl = to.settings.messageTtlMs;
  if (ttlMs === undefined) return queueTtl === undefined ? undefined : now() + queueTtl;
  return now() + (queueTtl === undefined ? ttlMs : Math.min(ttlMs, queueTtl));
}

/** A message's priority from 0 to 9; what is no number counts as 0. */
export function priorityOf(properties: MessageProperties): number {
  const { priority } = properties;
  if (priority === undefined) return 0;
  const number = Number(priority);
  return number > 0 ? Math.min(9, Math.floor(number)) : 0;
}

/** One message for one queue. */
export function putEntry(
  link: Link,
  message: WireMessage,
  route: Route,
  to: Destination,
  copy: { readonly payload: Payload; readonly deliveryTag: string; readonly expiresAt: number | undefined },
): PutEntry {
  const { settings } = to;
  return {
    queue: to.queue,
    payload: copy.payload,
    deliveryTag: copy.deliveryTag,
    priority: link.capabilities.priorities === 0 ? 0 : Math.min(priorityOf(message.properties), settings.maxPriority),
    expiresAt: copy.expiresAt,
    bytes: settings.limits === undefined ? 0 : message.body.byteLength,
    limits: settings.limits,
    deadLettersExpired: settings.deadLetterExchange !== undefined,
    message,
    exchange: route.exchange,
    routingKey: route.routingKey,
  };
}
