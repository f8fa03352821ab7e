import { KombuError } from '../errors/index.js';
import type { MaybePromise } from '../transport/channel.js';
import type { Route, WireMessage } from '../transport/delivery.js';
import { DeadMessage } from './dead-message.js';
import type { Content } from './delivery.js';
import { asKombuError } from './driver-error.js';
import type { Link } from './link.js';
import { isPromise } from './maybe-promise.js';
import { type QueueSettings, settingsOf } from './queue-arguments.js';
import { type DeathReason, deathsOf, isCycle, withDeath } from './x-death.js';

/** Publishes for core itself: to the queues that `keep` lets through. */
export type Forward = (message: WireMessage, route: Route, keep: (queue: string) => boolean) => MaybePromise<void>;

/**
 * Moves messages to dead-letter exchanges: first a copy is put there, then the caller settles the reservation, so that a crash
 * in between may double a message but never loses one.
 */
export class DeadLetters {
  readonly #link: Link;
  readonly #forward: Forward;
  readonly #running = new Set<Promise<unknown>>();

  constructor(link: Link, forward: Forward) {
    this.#link = link;
    this.#forward = forward;
  }

  /** Resolves when nothing is on its way any more. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * A message leaves its queue for good. Ends with true when it can be settled, and with false when it has to stay reserved,
   * to come back when its lease ends. Never rejects.
   */
  bury(queue: string, content: Content, reason: DeathReason): MaybePromise<boolean> {
    const known = this.#link.bindings.queue(queue);
    let moved: MaybePromise<void>;
    try {
      moved =
        known === undefined
          ? this.#link.topology
              .loadQueue(queue)
              .then((record) => this.#move(queue, content, settingsOf(record), reason))
          : this.#move(queue, content, known.settings, reason);
    } catch (cause) {
      moved = Promise.reject(cause);
    }
    if (!isPromise(moved)) return true;
    const settled = moved.then(
      () => true,
      (cause: unknown) => this.#failed(queue, cause),
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return settled;
  }

  #move(queue: string, content: Content, settings: QueueSettings, reason: DeathReason): MaybePromise<void> {
    const exchange = settings.deadLetterExchange;
    if (exchange === undefined) return;
    const { expiration, ...properties } = content.takeProperties();
    const headers = withDeath(content.takeHeaders(), {
      exchange: content.exchange,
      queue,
      reason,
      'routing-keys': [content.routingKey],
      time: Math.floor(this.#link.clock.now() / 1000),
      ...(expiration === undefined ? {} : { 'original-expiration': expiration }),
    });
    const deaths = deathsOf(headers);
    return this.#forward(
      new DeadMessage(content, headers, properties),
      { exchange, routingKey: settings.deadLetterRoutingKey ?? content.routingKey },
      (to) => reason === 'rejected' || !isCycle(to, deaths),
    );
  }

  #failed(queue: string, cause: unknown): boolean {
    const error = asKombuError(cause, `dead-lettering a message of queue '${queue}' failed`);
    this.#link.warn(error);
    // As on RabbitMQ, a dead-letter exchange that does not exist takes everything and keeps nothing.
    return KombuError.is(error, 'ERR_KOMBU_NOT_FOUND');
  }
}
