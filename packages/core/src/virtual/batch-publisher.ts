import { BufferFullError, ClosedError, TimeoutError } from '../errors/index.js';
import type { MaybePromise, PublishOp } from '../transport/channel.js';
import type { Route, WireMessage } from '../transport/delivery.js';
import { abortError } from '../util/abort.js';
import { LinkedList } from '../util/linked-list.js';
import { asKombuError } from './driver-error.js';
import { EnvelopeFrames } from './envelope.js';
import type { Link } from './link.js';
import { PublishItem, type PublishItemOwner } from './publish-item.js';
import { expirationMs, type Publisher, type PublishHooks } from './publisher.js';
import { PutSender } from './put-sender.js';
import { RestTimer } from './rest-timer.js';
import { RouteStage } from './route-stage.js';

/** Deadlines are looked at no more often than this. */
const COARSE_MS = 20;

/**
 * Publishes to stores of text: everything that is published in one tick is routed together and put in one call, in call
 * order, also when routing has to wait for tables; where the driver wants it (`limits.earlyPut`), in several. Each message is
 * encoded when it is published, so that the caller may go on with its objects.
 */
export class BatchPublisher implements Publisher, PublishItemOwner {
  readonly #link: Link;
  readonly #maxInFlight: number;
  readonly #early: number;
  readonly #routing: RouteStage;
  readonly #sender: PutSender;
  readonly #frames: EnvelopeFrames;
  readonly #items = new LinkedList<PublishItem>();
  readonly #deadlines: RestTimer;
  /** In the order in which they were published. */
  #waiting: PublishItem[] = [];
  #count = 0;
  #state: 'idle' | 'scheduled' | 'routing' | 'closed' = 'idle';
  #drained: (() => void)[] = [];
  /** The earliest deadline that the timer knows of. */
  #watched = Number.POSITIVE_INFINITY;

  /** @param maxInFlight how many publishes may wait at once */
  constructor(link: Link, hooks: PublishHooks, maxInFlight: number) {
    this.#link = link;
    this.#maxInFlight = maxInFlight;
    this.#early = link.driver.limits.earlyPut ?? Number.POSITIVE_INFINITY;
    this.#frames = new EnvelopeFrames(link.options.bodyEncoding);
    this.#routing = new RouteStage(link);
    this.#sender = new PutSender(link, hooks, (items) => this.#again(items));
    this.#deadlines = new RestTimer(link.clock, () => this.#expire(), { unref: true });
  }

  publish(message: WireMessage, route: Route, o?: PublishOp, keep?: (queue: string) => boolean): MaybePromise<void> {
    if (this.#state === 'closed') return Promise.reject(new ClosedError('the channel is closed'));
    if (o?.signal?.aborted) return Promise.reject(abortError(o.signal, 'publish'));
    if (this.#items.size >= this.#maxInFlight) {
      const what = `${this.#items.size} publishes of this channel are waiting for the broker (maxInFlight)`;
      return Promise.reject(new BufferFullError(what));
    }
    let item: PublishItem;
    try {
      expirationMs(message);
      const envelope = this.#frames.writer(message, route.exchange, route.routingKey);
      item = new PublishItem(message, route, envelope, o?.deadline ?? Number.POSITIVE_INFINITY, keep, this);
    } catch (error) {
      return Promise.reject(error);
    }
    const { signal } = o ?? {};
    if (signal !== undefined) item.listen(signal, () => abortError(signal, 'publish'));
    item.order = this.#count++;
    this.#items.push(item);
    if (item.deadline < this.#watched) this.#watch(item.deadline);
    this.#waiting.push(item);
    this.#schedule();
    if (this.#waiting.length >= this.#early && this.#sender.onTheWay < 2) this.#flush();
    return item.promise;
  }

  async drained(): Promise<void> {
    if (this.#items.size > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  close(error: Error): void {
    this.#state = 'closed';
    this.#deadlines.disarm();
    for (const item of this.#items.toArray()) item.fail(error);
  }

  #schedule(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    // After the microtasks that are due, so that publishers which go on together are put together.
    queueMicrotask(() => process.nextTick(() => this.#flush()));
  }

  #flush(): void {
    while (this.#state === 'scheduled' && this.#waiting.length > 0) {
      const items = this.#waiting.filter((item) => item.state === 'waiting');
      this.#waiting = [];
      const loading = this.#routing.prepare(items);
      if (loading === undefined) {
        this.#send(items);
        continue;
      }
      this.#state = 'routing';
      void loading
        .then(
          () => this.#send(items),
          (cause: unknown) => {
            for (const item of items) item.fail(asKombuError(cause, 'reading the bindings failed'));
          },
        )
        .then(() => {
          if (this.#state !== 'routing') return;
          this.#state = 'scheduled';
          this.#flush();
        });
    }
    if (this.#state === 'scheduled') this.#state = 'idle';
  }

  #send(items: readonly PublishItem[]): void {
    const [first] = items;
    if (first !== undefined && (this.#waiting[0]?.order ?? first.order) < first.order) {
      // What was published before these has come back meanwhile.
      this.#wait(items);
      return;
    }
    const { routed, again } = this.#routing.route(items.filter((item) => item.state === 'waiting'));
    this.#sender.send(routed);
    this.#wait(again);
  }

  /** Puts publishes back in their places. */
  #wait(items: readonly PublishItem[]): void {
    if (items.length > 0) this.#waiting = [...items, ...this.#waiting].sort((a, b) => a.order - b.order);
  }

  /** The tables they were routed by have changed. */
  #again(items: readonly PublishItem[]): void {
    for (const item of items) if (item.state === 'sent') item.state = 'waiting';
    this.#wait(items);
    this.#schedule();
  }

  /** A publish has ended. */
  ended(item: PublishItem): void {
    this.#items.remove(item);
    if (this.#items.size > 0 || this.#drained.length === 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #watch(deadline: number): void {
    this.#watched = deadline;
    this.#deadlines.arm(Math.max(COARSE_MS, deadline - this.#link.clock.monotonic()));
  }

  #expire(): void {
    const now = this.#link.clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    this.#watched = next;
    for (const item of this.#items.toArray()) {
      if (item.deadline > now) next = Math.min(next, item.deadline);
      else {
        const sent = item.state === 'waiting' && !item.isOut ? 'no' : 'maybe';
        const what =
          sent === 'no' ? 'the message could not be sent in time' : 'the broker has not confirmed the message in time';
        item.fail(new TimeoutError(what, { sent }));
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#watch(next);
  }
}
