import type { Consumers } from './consumers.js';
import type { Declarations } from './declarations.js';
import type { Reserved } from './driver.js';
import { asKombuError } from './driver-error.js';
import { ExpirySchedule } from './expiry-schedule.js';
import type { Link } from './link.js';
import { jittered } from './poll.js';
import { settingsOf } from './queue-arguments.js';
import { RestTimer } from './rest-timer.js';
import type { QueueRecord } from './topology-store.js';

/** How often declarations of this process are looked through for what has expired. */
const LOCAL_SWEEP_MS = 1000;
/** The longest time between two sweeps of expired reservations. */
const LONGEST_SWEEP_MS = 10_000;
/** The shortest time between two marks that a queue is in use. */
const SOONEST_TOUCH_MS = 10;

export interface ReaperHooks {
  expired(reserved: readonly Reserved[]): void;
  /** Expired reservations of others were put back. */
  recovered(): void;
  readonly signal: AbortSignal;
}

/**
 * Does what only time brings about: expired reservations of dead consumers go back, expired messages are dead-lettered where
 * nobody consumes, unused queues with `x-expires` are deleted, presence is renewed, and consumers of queues that another process
 * has deleted are ended.
 */
export class Reaper {
  readonly #link: Link;
  readonly #consumers: Consumers;
  readonly #declarations: Declarations;
  readonly #hooks: ReaperHooks;
  readonly #messages: ExpirySchedule;
  readonly #queues: ExpirySchedule;
  readonly #sweep: RestTimer;
  readonly #renewal: RestTimer;
  readonly #running = new Set<string>();
  #state: 'open' | 'stopped' = 'open';

  constructor(link: Link, consumers: Consumers, declarations: Declarations, hooks: ReaperHooks) {
    this.#link = link;
    this.#consumers = consumers;
    this.#declarations = declarations;
    this.#hooks = hooks;
    this.#messages = new ExpirySchedule(link.clock, (queue) =>
      this.#once(`messages of ${queue}`, () => this.#expire(queue)),
    );
    this.#queues = new ExpirySchedule(link.clock, (queue) => this.#once(`queue ${queue}`, () => this.#dropIdle(queue)));
    const period = Math.min(LONGEST_SWEEP_MS, link.options.leaseMs / 4);
    const every = link.topology.view === undefined ? period : Math.min(LOCAL_SWEEP_MS, period);
    this.#sweep = this.#repeat(every, () => this.#look());
    this.#renewal = this.#repeat(link.options.leaseMs / 3, () => this.#renew());
  }

  /** A message of this queue expires then. */
  willExpire(queue: string, at: number): void {
    if (this.#link.driver.reserveExpired !== undefined) this.#messages.add(queue, at);
  }

  /** A queue with `x-expires` was used just now. */
  used(queue: string, expiresMs: number): void {
    const { presence, clock } = this.#link;
    presence.touch?.(queue, expiresMs).catch((cause: unknown) => this.#warn(cause, 'marking a queue as used'));
    if (presence.idleSince !== undefined) {
      this.#queues.add(queue, clock.now() + expiresMs);
    } else if (presence.touch !== undefined) {
      // The store expires it by itself: while it is consumed from, it is used well before that.
      this.#queues.forget(queue);
      this.#queues.add(queue, clock.now() + Math.max(SOONEST_TOUCH_MS, expiresMs / 3));
    }
  }

  gone(queue: string): void {
    this.#messages.forget(queue);
    this.#queues.forget(queue);
  }

  /** Puts expired reservations of dead consumers back, in batches, until there are none. */
  recover(): void {
    const { driver } = this.#link;
    if (driver.recover === undefined) return;
    const limit = driver.limits.maxBatch;
    this.#once('reservations', async () => {
      let all = 0;
      for (let count = limit; count >= limit && this.#state === 'open'; all += count) {
        count = (await driver.recover?.({ limit, signal: this.#hooks.signal })) ?? 0;
      }
      if (all > 0) this.#hooks.recovered();
    });
  }

  stop(): void {
    this.#state = 'stopped';
    this.#messages.stop();
    this.#queues.stop();
    this.#sweep.disarm();
    this.#renewal.disarm();
  }

  #repeat(ms: number, work: () => void): RestTimer {
    const timer: RestTimer = new RestTimer(
      this.#link.clock,
      () => {
        timer.arm(jittered(ms));
        work();
      },
      { unref: true },
    );
    timer.arm(jittered(ms));
    return timer;
  }

  #look(): void {
    if (this.#consumers.size > 0) {
      this.recover();
      this.#once('deleted queues', () => this.#findDeleted());
    }
    const { view } = this.#link.topology;
    const records = view?.queues() ?? this.#declarations.mortal.values();
    for (const record of [...records]) this.#lookAt(record);
  }

  #lookAt(record: QueueRecord): void {
    const { messageTtlMs, expiresMs, deadLetterExchange } = settingsOf(record);
    if (expiresMs !== undefined) this.#once(`queue ${record.name}`, () => this.#dropIdle(record.name));
    if (messageTtlMs !== undefined || deadLetterExchange !== undefined) {
      this.#once(`messages of ${record.name}`, () => this.#expire(record.name));
    }
  }

  /** Expired messages at the head of a queue, until there are none. */
  async #expire(queue: string): Promise<void> {
    const { driver, clock, options } = this.#link;
    const max = driver.limits.maxBatch;
    for (let count = max; count >= max && this.#state === 'open'; ) {
      const request = { queue, max, now: clock.now(), leaseMs: options.leaseMs, signal: this.#hooks.signal };
      const reserved = (await driver.reserveExpired?.(request)) ?? [];
      this.#hooks.expired(reserved);
      count = reserved.length;
    }
  }

  /** Deletes a queue whose `x-expires` has passed; else looks again when it may have, or marks one in use as used. */
  async #dropIdle(queue: string): Promise<void> {
    const { presence, topology, clock } = this.#link;
    const { expiresMs } = settingsOf(await topology.loadQueue(queue));
    if (expiresMs === undefined) return;
    if (presence.idleSince === undefined) {
      if (this.#consumers.queues().has(queue)) this.used(queue, expiresMs);
      return;
    }
    const since = await presence.idleSince(queue);
    const now = clock.now();
    if (since !== undefined && now - since >= expiresMs) await this.#declarations.dropQueue(queue);
    else this.#queues.add(queue, (since ?? now) + expiresMs);
  }

  /** Looks for deleted queues that are consumed from: the store may not tell of them, or not every time. */
  async #findDeleted(): Promise<void> {
    const { topology, driver } = this.#link;
    if (topology.view !== undefined) return;
    for (const queue of this.#consumers.queues()) {
      if (this.#state === 'stopped') return;
      if ((await topology.loadQueue(queue)) !== undefined || (await driver.hasQueue(queue))) continue;
      this.#consumers.queueGone(queue);
    }
  }

  #renew(): void {
    const { presence, options, connectionId } = this.#link;
    this.#once('presence', async () => {
      const entries = this.#consumers.entries();
      if (entries.length > 0) await presence.renew(entries, options.leaseMs);
      for (const queue of this.#declarations.owned) await presence.claim(queue, connectionId, options.leaseMs);
    });
  }

  /** Runs one piece of work of its kind at a time; what fails is tried again at its next turn. */
  #once(kind: string, work: () => Promise<void>): void {
    if (this.#state === 'stopped' || this.#running.has(kind)) return;
    this.#running.add(kind);
    work()
      .catch((cause: unknown) => this.#warn(cause, `looking after ${kind}`))
      .finally(() => this.#running.delete(kind));
  }

  #warn(cause: unknown, what: string): void {
    if (this.#state === 'open') this.#link.warn(asKombuError(cause, `${what} failed`));
  }
}
