import type { MaybePromise } from '../transport/channel.js';
import type { Route, WireMessage } from '../transport/delivery.js';
import type { Destination } from './binding-cache.js';
import type { PutEntry, PutResult, Reserved } from './driver.js';
import type { Link } from './link.js';
import { isPromise } from './maybe-promise.js';
import { expirationMs, expiresAt, noRoute, type Publisher, priorityOf, unknownExchange } from './publisher.js';
import { StoredContent } from './stored-content.js';

/** What a publisher leaves to its connection. */
export interface PublishHooks {
  flush(): void;
  /** Pushed out by max-length: to be dead-lettered and settled. */
  evicted(reserved: readonly Reserved[]): void;
  /** A message of this queue will expire then. */
  willExpire(queue: string, at: number): void;
}

const UNCHECKED: readonly never[] = [];

/**
 * Publishes to stores that keep objects, whose routing tables live in this process: a message is stored when publish returns,
 * and no promise is made unless the store makes one.
 */
export class DirectPublisher implements Publisher {
  readonly #link: Link;
  readonly #hooks: PublishHooks;
  readonly #pending = new Set<Promise<void>>();

  constructor(link: Link, hooks: PublishHooks) {
    this.#link = link;
    this.#hooks = hooks;
  }

  /** @param keep leaves queues out, where core itself publishes */
  publish(message: WireMessage, route: Route, _o?: unknown, keep?: (queue: string) => boolean): MaybePromise<void> {
    try {
      const found = this.#link.routes.find(route.exchange, route.routingKey, message.headers);
      if (found === undefined || !found.known) throw unknownExchange(route.exchange);
      let to = found.destinations;
      if (keep !== undefined) to = to.filter((one) => keep(one.queue));
      else if (to.length === 0) return this.#unroutable(message, route);
      else if (route.mandatory && route.exchange === '' && to[0]?.record === undefined) {
        return this.#ifThere(message, route, to);
      }
      return this.#put(message, route, to);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async drained(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  close(): void {}

  #put(message: WireMessage, route: Route, to: readonly Destination[]): MaybePromise<void> {
    if (to.length === 0) return;
    const link = this.#link;
    const { exchange, routingKey } = route;
    const payload = new StoredContent(message, exchange, routingKey);
    const priority = link.capabilities.priorities === 0 ? 0 : priorityOf(message);
    const ttlMs = expirationMs(message);
    const entries: PutEntry[] = [];
    for (const one of to) {
      const { settings } = one;
      const expires =
        ttlMs === undefined && settings.messageTtlMs === undefined
          ? undefined
          : expiresAt(ttlMs, one, link.clock.now());
      entries.push({
        queue: one.queue,
        payload,
        deliveryTag: '',
        priority: Math.min(priority, settings.maxPriority),
        expiresAt: expires,
        bytes: message.body.byteLength,
        limits: settings.limits,
        message,
        exchange,
        routingKey,
      });
      if (expires !== undefined) this.#hooks.willExpire(one.queue, expires);
    }
    this.#hooks.flush();
    const result = link.driver.put({ entries, check: UNCHECKED });
    if (!isPromise(result)) return this.#stored(result);
    const pending = result.then((stored) => this.#stored(stored));
    const settled = pending.then(
      () => {},
      () => {},
    );
    this.#pending.add(settled);
    void settled.then(() => this.#pending.delete(settled));
    return pending;
  }

  #stored(result: PutResult): MaybePromise<void> {
    if (result.evicted.length > 0) this.#hooks.evicted(result.evicted);
    const failure = result.failures[0];
    if (failure !== undefined) return Promise.reject(failure.error);
  }

  async #ifThere(message: WireMessage, route: Route, to: readonly Destination[]): Promise<void> {
    if (!(await this.#link.driver.hasQueue(route.routingKey))) return this.#unroutable(message, route);
    await this.#put(message, route, to);
  }

  #unroutable(message: WireMessage, route: Route): MaybePromise<void> {
    const queue = this.#link.options.deadletterQueue;
    if (queue !== undefined) {
      this.#link.warn(noRoute(route));
      return this.publish(message, { exchange: '', routingKey: queue });
    }
    if (route.mandatory) return Promise.reject(noRoute(route));
  }
}
