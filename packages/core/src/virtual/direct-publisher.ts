import type { MaybePromise, PublishOp } from '../transport/channel.js';
import type { Route, WireMessage } from '../transport/delivery.js';
import { throwIfAborted } from '../util/abort.js';
import type { Destination } from './binding-cache.js';
import type { PutEntry, PutResult } from './driver.js';
import type { Link } from './link.js';
import { isPromise } from './maybe-promise.js';
import { withPlainHeaders } from './plain-headers.js';
import {
  expirationMs,
  expiresAt,
  noRoute,
  type Publisher,
  type PublishHooks,
  putEntry,
  unknownExchange,
} from './publisher.js';
import { StoredContent } from './stored-content.js';

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

  publish(message: WireMessage, route: Route, o?: PublishOp, keep?: (queue: string) => boolean): MaybePromise<void> {
    try {
      throwIfAborted(o?.signal, 'publish');
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
    const { clock, driver } = this.#link;
    const payload = new StoredContent(withPlainHeaders(message), route.exchange, route.routingKey);
    const ttlMs = expirationMs(message);
    const entries: PutEntry[] = [];
    for (const one of to) {
      const expires = expiresAt(ttlMs, one, clock.now);
      entries.push(putEntry(this.#link, message, route, one, { payload, deliveryTag: '', expiresAt: expires }));
      if (expires !== undefined) this.#hooks.willExpire(one.queue, expires);
    }
    this.#hooks.flush();
    const result = driver.put({ entries, check: UNCHECKED });
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
