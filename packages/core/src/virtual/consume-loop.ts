import { KombuError } from '../errors/index.js';
import { type ArrivalHooks, dispatch } from './arrivals.js';
import type { Reserved } from './driver.js';
import { asKombuError } from './driver-error.js';
import type { Feed, LoopConsumer } from './feed.js';
import { FeedTable } from './feed-table.js';
import type { Link } from './link.js';
import { isPromise } from './maybe-promise.js';
import { AdaptivePoll, jittered } from './poll.js';
import type { QueueSettings } from './queue-arguments.js';
import { QueueCycle } from './queue-cycle.js';
import { shareOf, type Wait } from './receive-wait.js';
import { RestTimer } from './rest-timer.js';

/** Longest time in one go before other work of the process gets its turn. */
const SLICE_MS = 8;
/** How often all queues are looked at where the driver tells of new messages: a wake-up that got lost costs no more. */
const SCAN_MS = 10_000;
/** How many short reserves of different queues may be in the air at once. */
const MAX_RESERVES = 16;

/** What the loop leaves to its connection. */
export interface LoopHooks extends ArrivalHooks {
  /** Settlements go out before a reserve does. */
  flush(): void;
  /** Credit that a reserve had taken is free again. */
  freed(): void;
  /** The store says that the queue is not there any more. */
  gone(queue: string): void;
  /** Ends when the link is closing. */
  readonly signal: AbortSignal;
}

/** A reserve that was sent: the queues it asks, and the credit that each of them took for it. */
interface Asked {
  readonly feeds: readonly Feed[];
  readonly grants: readonly number[];
  readonly max: number;
  readonly noAck: boolean;
  readonly wait: Wait;
  readonly sentAt: number;
}

/**
 * Gets messages for all consumers of a link: takes credit, reserves, hands out. Queues that may have something are asked
 * first and all at once where the driver can; those that were found empty rest until the driver tells of them, or until the
 * next poll. With a synchronous driver nothing here makes a promise.
 */
export class ConsumeLoop {
  readonly #link: Link;
  readonly #hooks: LoopHooks;
  readonly #feeds = new FeedTable();
  readonly #cycle = new QueueCycle();
  readonly #starved = new Set<Feed>();
  readonly #poll: AdaptivePoll;
  #inAir = 0;
  /** Who waits until no reserve is in the air. */
  #landing: (() => void)[] = [];
  readonly #timer: RestTimer;
  #scheduled: NodeJS.Immediate | undefined;
  /** A run is due in this very turn. */
  #hurried = false;
  /** Whether the last reserve was answered by a promise. */
  #answersLater = false;
  #state: 'open' | 'closed' = 'open';

  constructor(link: Link, hooks: LoopHooks) {
    this.#link = link;
    this.#hooks = hooks;
    this.#poll = new AdaptivePoll(link.options.pollingIntervalMs);
    // It keeps the process alive, as long as somebody consumes.
    this.#timer = new RestTimer(link.clock, () => this.wakeAll());
  }

  get feeds(): FeedTable {
    return this.#feeds;
  }

  add(queue: string, consumer: LoopConsumer, settings: QueueSettings): void {
    const feed = this.#feeds.get(queue, consumer.noAck) ?? this.#feeds.make(queue, consumer.noAck, settings);
    feed.add(consumer);
    this.#wake(feed);
    this.resume();
  }

  /** Takes a consumer out; what is still in the air for it goes to others, or back. */
  remove(queue: string, consumer: LoopConsumer): void {
    const feed = this.#feeds.get(queue, consumer.noAck);
    if (feed === undefined) return;
    feed.remove(consumer);
    if (feed.consumers.length === 0) {
      this.#feeds.delete(feed);
      this.#cycle.remove(feed);
      this.#starved.delete(feed);
    }
    if (this.#feeds.size === 0) this.#timer.disarm();
    else this.resume();
  }

  /** A queue may have something. */
  wake(queue: string): void {
    const acked = this.#feeds.get(queue, false);
    if (acked !== undefined) this.#wake(acked);
    const auto = this.#feeds.get(queue, true);
    if (auto !== undefined) this.#wake(auto);
  }

  /** Any queue may have something. */
  wakeAll(): void {
    for (const feed of this.#feeds.values()) this.#wake(feed);
  }

  /** Credit came back. */
  resume(): void {
    if (this.#starved.size === 0) return;
    for (const feed of this.#starved) {
      if (feed.free() === 0) continue;
      this.#starved.delete(feed);
      this.#ready(feed);
    }
  }

  /** Asks for nothing more. Resolves when no reserve is in the air. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#timer.disarm();
    clearImmediate(this.#scheduled);
    if (this.#inAir > 0) await new Promise<void>((resolve) => this.#landing.push(resolve));
  }

  #wake(feed: Feed): void {
    feed.woken = true;
    if (feed.state === 'cold') this.#ready(feed);
  }

  #ready(feed: Feed): void {
    feed.state = 'ready';
    this.#cycle.add(feed);
    this.#hurry();
  }

  /**
   * What is to be asked does not wait for the event loop's next turn, and what is woken together is asked together. Only where a
   * reserve is answered over the event loop anyway: else a consumer that publishes could keep everything else from its turn.
   */
  #hurry(): void {
    if (!this.#answersLater) {
      this.#schedule();
      return;
    }
    if (this.#hurried) return;
    this.#hurried = true;
    queueMicrotask(() => {
      this.#hurried = false;
      clearImmediate(this.#scheduled);
      if (this.#state === 'open') this.#run();
    });
  }

  #schedule(): void {
    if (this.#scheduled === undefined && this.#state === 'open') this.#scheduled = setImmediate(() => this.#run());
  }

  #starve(feed: Feed): void {
    feed.state = 'starved';
    this.#starved.add(feed);
  }

  #run(): void {
    this.#scheduled = undefined;
    const until = performance.now() + SLICE_MS;
    const { queuesPerReserve, receiveWaitMs } = this.#link.driver.limits;
    const maxInAir = receiveWaitMs > 0 ? Number.POSITIVE_INFINITY : MAX_RESERVES;
    while (this.#state === 'open' && this.#inAir < maxInAir) {
      const group = this.#cycle.next(queuesPerReserve, (feed) => this.#starve(feed));
      if (group.length === 0) break;
      this.#reserve(group);
      if (performance.now() > until) break;
    }
    if (this.#state === 'closed') return;
    if (this.#cycle.size > 0) {
      if (this.#inAir < maxInAir) this.#schedule();
    } else if (this.#inAir === 0 ? this.#feeds.size > 0 : receiveWaitMs > 0 && this.#feeds.anyCold()) {
      this.#timer.arm(this.#link.driver.watch === undefined ? this.#poll.rest() : jittered(SCAN_MS));
    }
  }

  #reserve(candidates: readonly Feed[]): void {
    const { driver, options } = this.#link;
    const wait = shareOf(candidates, this.#feeds, driver.limits.receiveWaitMs);
    let max = Math.min(driver.limits.maxBatch, wait.share);
    for (const feed of candidates) max = Math.min(max, feed.free());
    const feeds: Feed[] = [];
    const grants: number[] = [];
    for (const feed of candidates) {
      const granted = feed.grant(max);
      if (granted === 0) {
        this.#starve(feed);
        continue;
      }
      max = granted;
      feed.woken = false;
      feed.reserves++;
      feed.state = 'busy';
      feeds.push(feed);
      grants.push(granted);
    }
    if (feeds[0] === undefined) return;
    const asked: Asked = { feeds, grants, max, noAck: feeds[0].noAck, wait, sentAt: this.#link.clock.monotonic() };
    let answer: readonly Reserved[] | Promise<readonly Reserved[]>;
    try {
      this.#hooks.flush();
      answer = driver.reserve({
        queues: feeds.map((feed) => feed.queue),
        max,
        leaseMs: options.leaseMs,
        noAck: asked.noAck,
        waitMs: wait.ms,
        signal: this.#hooks.signal,
      });
    } catch (error) {
      this.#failed(asked, error);
      return;
    }
    this.#answersLater = isPromise(answer);
    if (isPromise(answer)) this.#await(asked, answer);
    else this.#arrived(asked, answer);
  }

  #await(asked: Asked, answer: Promise<readonly Reserved[]>): void {
    this.#inAir++;
    void answer
      // Consumers are deaf to a link that is gone; what needs no settling is theirs all the same.
      .then((got) =>
        this.#state === 'open' || asked.noAck ? this.#arrived(asked, got) : this.#hooks.release(got, false),
      )
      .catch((error: unknown) => this.#failed(asked, error))
      .then(() => {
        this.#inAir--;
        if (this.#inAir === 0) for (const resolve of this.#landing.splice(0)) resolve();
        this.#schedule();
      });
    // More than one reserve of a queue that has much, where the driver likes that.
    const most = this.#link.driver.limits.parallelReserves ?? 1;
    for (const feed of asked.feeds) if (feed.hasMore && feed.reserves < most && feed.free() > 0) this.#ready(feed);
  }

  #arrived(asked: Asked, got: readonly Reserved[]): void {
    if (got.length > 0) this.#poll.found();
    const { feeds, grants, max, noAck } = asked;
    const claims = dispatch(got, noAck, this.#feeds, this.#link.clock, this.#hooks);
    const again = got.length >= max || this.#waitsAgain(asked, got.length);
    // First those that got nothing: only what was served moves to the end.
    for (const [i, feed] of feeds.entries()) {
      feed.alone = false;
      feed.served = claims.has(feed.queue);
      if (!feed.served) feed.emptyLooks++;
      if (!feed.served) this.#landed(feed, grants[i] ?? 0, again);
    }
    for (const [i, feed] of feeds.entries()) {
      const claimed = claims.get(feed.queue);
      if (claimed !== undefined) this.#landed(feed, (grants[i] ?? 0) - claimed, again);
    }
    this.resume();
    this.#hooks.freed();
  }

  /** Whether to wait at the store again at once. One that says too early that there is nothing is not asked in a hurry. */
  #waitsAgain({ wait, sentAt }: Asked, count: number): boolean {
    return wait.again && (count > 0 || this.#link.clock.monotonic() - sentAt >= wait.ms / 2);
  }

  #landed(feed: Feed, unused: number, again: boolean): void {
    feed.giveBack(unused);
    feed.reserves--;
    feed.hasMore = again;
    if (feed.state !== 'busy' || !this.#feeds.holds(feed)) return;
    if (again || feed.woken) this.#ready(feed);
    else feed.state = 'cold';
  }

  #failed(asked: Asked, cause: unknown): void {
    for (const [i, feed] of asked.feeds.entries()) {
      feed.giveBack(asked.grants[i] ?? 0);
      feed.reserves--;
      if (feed.state === 'busy') feed.state = 'cold';
    }
    if (this.#state === 'closed' || KombuError.is(cause, 'ERR_KOMBU_CONNECTION_LOST')) return;
    const [feed, ...others] = asked.feeds;
    if (feed !== undefined && others.length === 0 && KombuError.is(cause, 'ERR_KOMBU_NOT_FOUND')) {
      this.#hooks.gone(feed.queue);
      return;
    }
    const error = asKombuError(cause, 'reserving messages failed');
    this.#link.warn(error);
    // It may be about one of them: the others are not to go without because of it.
    if (others.length > 0 && !error.retryable) for (const one of asked.feeds) one.alone = true;
    this.#timer.arm(jittered(this.#poll.retry()));
  }
}
