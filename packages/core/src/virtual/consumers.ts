import { ChannelError, ClosedError, type KombuError } from '../errors/index.js';
import type { ConsumeRequest, Op } from '../transport/channel.js';
import type { Delivery } from '../transport/delivery.js';
import { uuid } from '../util/id.js';
import type { ConsumeLoop } from './consume-loop.js';
import type { Declarations } from './declarations.js';
import type { Watch } from './driver.js';
import { asKombuError, isLinkLoss } from './driver-error.js';
import type { Link } from './link.js';
import type { PresenceEntry } from './presence-store.js';
import { type ConsumerHome, VirtualConsumer } from './virtual-consumer.js';

/** A channel, as the consumers of a link see it. */
export interface ConsumerOwner extends ConsumerHome {
  readonly isOpen: boolean;
  /** The consumer has ended without being asked to. */
  ended(tag: string, why: KombuError): void;
}

/** What is done for a queue while it is consumed from. */
export interface QueueInterest {
  /** A first consumer of the queue: resolves when the broker tells of its messages. */
  begin(queue: string): Promise<void>;
  /** One more consumer is ready. */
  ready(): void;
  end(queue: string): void;
}

/** All consumers of a link: who may start, who is told what, and what ends with the last of a queue. */
export class Consumers {
  readonly #link: Link;
  readonly #loop: ConsumeLoop;
  readonly #declarations: Declarations;
  readonly #interest: QueueInterest;
  readonly #watch: Watch | undefined;
  readonly #owners = new Map<VirtualConsumer, ConsumerOwner>();
  readonly #stopping = new Set<Promise<void>>();
  readonly #interested = new Map<string, Promise<void>>();
  /** Entries that the store was asked to take in or to let go of, and has not answered for. */
  readonly #doubtful = new Set<PresenceEntry>();

  /** Consumers of the link before this one are out. */
  #cleared: Promise<unknown> = Promise.resolve();

  constructor(link: Link, loop: ConsumeLoop, declarations: Declarations, interest: QueueInterest) {
    this.#link = link;
    this.#loop = loop;
    this.#declarations = declarations;
    this.#interest = interest;
    this.#watch = link.driver.watch?.((queue) => loop.wake(queue));
  }

  get size(): number {
    return this.#owners.size;
  }

  /** Who consumes on this link, for the presence store. */
  entries(): PresenceEntry[] {
    return [...this.#owners.keys()].map((consumer) => consumer.presence);
  }

  /** All that the store may still have of this link, for the next one to let go of. */
  leftovers(): PresenceEntry[] {
    return [...new Set([...this.entries(), ...this.#doubtful])];
  }

  /** Queues that are consumed from. */
  queues(): ReadonlySet<string> {
    return new Set([...this.#owners.keys()].map((consumer) => consumer.queue));
  }

  /** Lets go of what consumers of the link before this one still hold; none starts before that. */
  clear(ghosts: readonly PresenceEntry[]): void {
    this.#cleared = Promise.allSettled(ghosts.map((ghost) => this.#letGo(ghost)));
  }

  async start(
    owner: ConsumerOwner,
    request: ConsumeRequest,
    deliver: (delivery: Delivery) => void,
    o?: Op,
  ): Promise<VirtualConsumer> {
    const { presence, connectionId, options } = this.#link;
    const { queue, tag, noAck, exclusive } = request;
    await this.#cleared;
    const { settings, record } = await this.#declarations.use(queue, o);
    const entry: PresenceEntry = { queue, consumer: uuid(), owner: connectionId, exclusive };
    this.#doubtful.add(entry);
    const joined = await presence.join(entry, options.leaseMs, o).catch((error: unknown) => {
      // It may be in although nobody heard of it.
      void this.#letGo(entry).catch(() => {});
      throw error;
    });
    this.#doubtful.delete(entry);
    if (!joined) throw new ChannelError('ACCESS_REFUSED', `queue '${queue}' is in exclusive use`);
    const consumer = new VirtualConsumer(owner, entry, { tag, noAck, prefetch: this.prefetch(request) }, deliver);
    this.#owners.set(consumer, owner);
    try {
      await this.#begin(queue);
      const { view } = this.#link.topology;
      if (record !== undefined && view !== undefined && view.queue(queue) === undefined) throw gone(queue);
      if (!owner.isOpen) throw new ClosedError(`the channel was closed while consumer '${tag}' was starting`);
    } catch (error) {
      await this.stop(consumer);
      throw error;
    }
    // It may have gone while it was being watched.
    if (this.#owners.has(consumer)) {
      this.#loop.add(queue, consumer, settings);
      this.#interest.ready();
    }
    return consumer;
  }

  /** How many unsettled deliveries a consumer may hold. */
  prefetch(request: { readonly noAck: boolean; readonly prefetch: number }): number {
    if (request.noAck) return Number.POSITIVE_INFINITY;
    return request.prefetch === 0 ? this.#link.options.maxUnacked : request.prefetch;
  }

  /** Ends a consumer: nothing is delivered to it from now on. An auto-delete queue goes with its last consumer. */
  async stop(consumer: VirtualConsumer): Promise<void> {
    if (!this.#owners.delete(consumer)) return;
    this.#loop.remove(consumer.queue, consumer);
    this.#release(consumer.queue);
    const leaving = this.#leave(consumer).finally(() => this.#stopping.delete(leaving));
    this.#stopping.add(leaving);
    await leaving;
  }

  /** Resolves when every consumer that was stopped is out. */
  async stopped(): Promise<void> {
    await Promise.allSettled(this.#stopping);
  }

  async #leave(consumer: VirtualConsumer): Promise<void> {
    const { queue } = consumer;
    const left = await this.#letGo(consumer.presence);
    if (left > 0 || !this.#link.seesEverybody) return;
    const record = await this.#link.topology.loadQueue(queue);
    if (record?.autoDelete) await this.#declarations.dropQueue(queue);
  }

  /** Takes an entry out of the store; resolves with how many are left. What a lost link keeps from it is up to the next one. */
  async #letGo(entry: PresenceEntry): Promise<number> {
    this.#doubtful.add(entry);
    try {
      const left = await this.#link.presence.leave(entry.queue, entry.consumer);
      this.#doubtful.delete(entry);
      return left;
    } catch (error) {
      if (!isLinkLoss(error)) this.#doubtful.delete(entry);
      throw error;
    }
  }

  /** A queue was deleted: its consumers end. */
  queueGone(queue: string): void {
    const why = gone(queue);
    for (const [consumer, owner] of [...this.#owners]) {
      if (consumer.queue !== queue) continue;
      this.#owners.delete(consumer);
      this.#loop.remove(queue, consumer);
      this.#letGo(consumer.presence).catch((cause: unknown) => {
        this.#link.warn(asKombuError(cause, `leaving queue '${queue}' failed`));
      });
      owner.ended(consumer.tag, why);
    }
    this.#release(queue);
  }

  /** The link is gone, or going. */
  async close(): Promise<void> {
    await this.#watch?.close();
  }

  #begin(queue: string): Promise<void> {
    const begun = this.#interested.get(queue);
    if (begun !== undefined) return begun;
    const begin = this.#interest.begin(queue).then(() => this.#watch?.add(queue));
    this.#interested.set(queue, begin);
    begin.catch(() => this.#interested.delete(queue));
    return begin;
  }

  /** The last consumer of a queue has ended. */
  #release(queue: string): void {
    for (const consumer of this.#owners.keys()) if (consumer.queue === queue) return;
    if (!this.#interested.delete(queue)) return;
    this.#watch?.remove(queue);
    this.#interest.end(queue);
  }
}

function gone(queue: string): ChannelError {
  return new ChannelError('NOT_FOUND', `queue '${queue}' was deleted`);
}
