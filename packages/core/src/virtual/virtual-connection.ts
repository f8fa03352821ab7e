import type { KombuError } from '../errors/index.js';
import { AbortedError, ClosedError } from '../errors/index.js';
import type { ChannelEvents, MaybePromise, Op } from '../transport/channel.js';
import type { Outcome } from '../transport/delivery.js';
import type { TransportConnection } from '../transport/transport.js';
import { throwIfAborted } from '../util/abort.js';
import { deferred } from '../util/deferred.js';
import type { CarryOver } from './carry-over.js';
import { ConsumeLoop } from './consume-loop.js';
import { Consumers } from './consumers.js';
import { DeadLetters } from './dead-letter.js';
import { Declarations } from './declarations.js';
import type { Content, UnsettledList, VirtualDelivery } from './delivery.js';
import { DirectPublisher } from './direct-publisher.js';
import type { Reserved, Settlement, SettleOutcome } from './driver.js';
import { asKombuError } from './driver-error.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { Link } from './link.js';
import { isPromise } from './maybe-promise.js';
import type { Parts } from './parts.js';
import { type Publisher, priorityOf } from './publisher.js';
import { SettleBuffer } from './settle-buffer.js';
import { StoredContent } from './stored-content.js';
import { VirtualChannel } from './virtual-channel.js';
import type { DeathReason } from './x-death.js';

/** Longest time that closing waits for one thing. */
const CLOSE_MS = 5000;

/** A link to a broker over a driver, and what all of its channels share. */
export class VirtualConnection implements TransportConnection, Parts {
  readonly link: Link;
  readonly loop: ConsumeLoop;
  readonly consumers: Consumers;
  readonly declarations: Declarations;
  readonly settlements: SettleBuffer;
  readonly unsettled = new Set<UnsettledList>();
  readonly channels = new Set<VirtualChannel>();
  readonly #deadLetters: DeadLetters;
  readonly #leases: LeaseKeeper;
  readonly #carryOver: CarryOver;
  readonly #closed = deferred<KombuError | undefined>();
  readonly #abort = new AbortController();
  readonly #unlisten: (() => void) | undefined;
  #tags = 0;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  constructor(link: Link, carryOver: CarryOver) {
    this.link = link;
    this.#carryOver = carryOver;
    this.settlements = new SettleBuffer(link.driver);
    const flush = (): void => this.settlements.flush();
    this.loop = new ConsumeLoop(link, {
      flush,
      open: (reserved) => this.#open(reserved),
      expired: (reserved, content, noAck) => this.#dispose(reserved, content, 'expired', noAck),
      release: (reserved, noAck) => this.giveBack(reserved, noAck),
      signal: this.#abort.signal,
    });
    this.declarations = new Declarations(link, {
      flush,
      used: () => {},
      queueGone: (queue) => this.consumers.queueGone(queue),
      bound: async () => {},
    });
    this.consumers = new Consumers(link, this.loop, this.declarations, { begin: async () => {}, end: () => {} });
    const core = this.#makePublisher();
    this.#deadLetters = new DeadLetters(link, (message, route, keep) => core.publish(message, route, undefined, keep));
    this.#leases = new LeaseKeeper(link, this.unsettled);
    this.#unlisten = link.topology.onQueueDropped?.((queue) => this.consumers.queueGone(queue));
    link.driver.closed.then((reason) => this.#ended(reason));
    this.#adopt();
    this.#leases.start();
  }

  get closed(): Promise<KombuError | undefined> {
    return this.#closed.promise;
  }
  get driver(): unknown {
    return this.link.driver.client;
  }
  get serverVersion(): string | undefined {
    return this.link.driver.serverVersion;
  }

  async openChannel(events: ChannelEvents, o?: Op): Promise<VirtualChannel> {
    throwIfAborted(o?.signal, 'opening a channel');
    if (this.#state !== 'open') throw new ClosedError('the connection is closed');
    const channel = new VirtualChannel(this, events);
    this.channels.add(channel);
    return channel;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  destroy(): void {
    if (this.#state === 'closed') return;
    this.link.driver.destroy();
    this.#ended(undefined);
  }

  openPublisher(_events: ChannelEvents): Publisher {
    return this.#makePublisher();
  }

  async getOne(
    queue: string,
    o: Op & { noAck?: boolean },
  ): Promise<{ reserved: Reserved; content: Content } | undefined> {
    const known = this.link.bindings.queue(queue)?.record;
    if (known === undefined || known.exclusive) await this.declarations.queue(queue, o);
    const noAck = o.noAck === true;
    for (;;) {
      this.settlements.flush();
      const got = await this.link.driver.reserve({
        queues: [queue],
        max: 1,
        leaseMs: this.link.options.leaseMs,
        noAck,
        waitMs: 0,
        signal: o.signal ?? this.#abort.signal,
      });
      if (o.signal?.aborted) {
        this.giveBack(got, noAck);
        throw new AbortedError('get was aborted', { cause: o.signal.reason });
      }
      const reserved = got[0];
      if (reserved === undefined) return undefined;
      const content = this.#open(reserved);
      const expiresAt = reserved.expiresAt ?? content.expiresAt;
      if (expiresAt === undefined || expiresAt > this.link.clock.now()) return { reserved, content };
      this.#dispose(reserved, content, 'expired', noAck);
    }
  }

  settle(delivery: VirtualDelivery, outcome: Outcome | 'release'): void {
    this.#end(delivery, outcome);
    if (outcome === 'reject') this.#bury(delivery, delivery.content, 'rejected');
    else this.settlements.add(delivery);
  }

  settleConfirmed(delivery: VirtualDelivery, outcome: Outcome | 'release'): MaybePromise<void> {
    this.#end(delivery, outcome);
    if (outcome !== 'reject') return this.settlements.confirm(delivery);
    const buried = this.#deadLetters.bury(delivery.queue, delivery.content, 'rejected');
    if (!isPromise(buried)) return this.settlements.confirm(delivery);
    return buried.then((done) => {
      if (!done) throw new ClosedError(`delivery ${delivery.deliveryTag} could not be dead-lettered`);
      return this.settlements.confirm(delivery);
    });
  }

  giveBack(reserved: readonly Reserved[], noAck: boolean): void {
    if (!noAck) {
      for (const { queue, token } of reserved) this.settlements.add({ queue, token, outcome: 'release' });
      return;
    }
    // These were taken for good: all that can be done is to store them again.
    const entries = reserved.map((one) => {
      const content = this.#open(one);
      const { exchange, routingKey } = content;
      const message = {
        body: new Uint8Array(),
        contentType: content.contentType,
        contentEncoding: content.contentEncoding,
        headers: content.takeHeaders(),
        properties: content.takeProperties(),
      };
      return {
        queue: one.queue,
        payload: one.payload,
        deliveryTag: content.deliveryTag ?? '',
        priority: this.link.capabilities.priorities === 0 ? 0 : priorityOf(message),
        expiresAt: one.expiresAt ?? content.expiresAt,
        bytes: 0,
        limits: undefined,
        message,
        exchange,
        routingKey,
      };
    });
    const put = this.link.driver.put({ entries, check: [] });
    if (isPromise(put))
      put.catch((cause: unknown) => this.link.warn(asKombuError(cause, 'giving messages back failed')));
  }

  nextTag(): number {
    return ++this.#tags;
  }
  now(): number {
    return this.link.driver.extend === undefined ? 0 : this.link.clock.monotonic();
  }

  within(ms: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.link.clock.after(ms, resolve);
      const done = (): void => {
        cancel();
        resolve();
      };
      work.then(done, done);
    });
  }

  #makePublisher(): DirectPublisher {
    return new DirectPublisher(this.link, {
      flush: () => this.settlements.flush(),
      evicted: (reserved) => {
        for (const one of reserved) this.#dispose(one, this.#open(one), 'maxlen', false);
      },
      willExpire: () => {},
    });
  }

  #open(reserved: Reserved): Content {
    const { payload } = reserved;
    if (typeof payload === 'string') throw new TypeError('the driver returned text where objects are stored');
    return StoredContent.of(payload);
  }

  #end(delivery: VirtualDelivery, outcome: Outcome | 'release'): void {
    delivery.state = 'settled';
    delivery.outcome = outcome === 'reject' ? 'drop' : outcome;
    delivery.list?.remove(delivery);
    delivery.holder.released(delivery);
  }

  #dispose(reserved: Reserved, content: Content, reason: DeathReason, noAck: boolean): void {
    const outcome: SettleOutcome = 'drop';
    this.#bury(
      noAck ? undefined : { queue: reserved.queue, token: reserved.token, outcome },
      content,
      reason,
      reserved.queue,
    );
  }

  /** To the dead-letter exchange, then out of the queue. */
  #bury(item: Settlement | undefined, content: Content, reason: DeathReason, queue = item?.queue ?? ''): void {
    const buried = this.#deadLetters.bury(queue, content, reason);
    if (item === undefined) return;
    if (!isPromise(buried)) this.settlements.add(item);
    else void buried.then((done) => done && this.settlements.add(item));
  }

  /** Takes over what the link before this one has left. */
  #adopt(): void {
    const left = this.#carryOver.take(this.link.connectionId);
    if (left === undefined) return;
    for (const list of left.unsettled) this.unsettled.add(list);
    for (const item of left.settlements) this.settlements.add(item);
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    const { receiveWaitMs } = this.link.driver.limits;
    await Promise.allSettled([...this.channels].map((channel) => channel.close()));
    this.#abort.abort();
    await this.within(CLOSE_MS + receiveWaitMs, this.loop.close());
    await this.within(CLOSE_MS, this.#deadLetters.drained());
    await this.within(CLOSE_MS, this.settlements.drained());
    for (const queue of [...this.declarations.owned]) {
      await this.within(CLOSE_MS, this.declarations.dropQueue(queue));
    }
    this.#stop();
    await this.within(CLOSE_MS, this.consumers.close());
    await this.within(CLOSE_MS, this.link.driver.close());
    this.#state = 'closed';
    this.#closed.resolve(undefined);
  }

  #stop(): void {
    this.#leases.stop();
    this.#unlisten?.();
  }

  /** The link is gone. */
  #ended(reason: KombuError | undefined): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#abort.abort();
    void this.loop.close();
    this.#stop();
    void this.consumers.close();
    const { presence, connectionId, clock, options, capabilities } = this.link;
    if (presence.local) for (const entry of this.consumers.entries()) void presence.leave(entry.queue, entry.consumer);
    if (capabilities.settleAfterReconnect) {
      const unsettled = [...this.unsettled].filter((list) => list.size > 0);
      const left = { unsettled, settlements: this.settlements.abandon() };
      this.#carryOver.keep(connectionId, left, clock, options.leaseMs);
    } else {
      this.settlements.abandon();
      for (const list of this.unsettled) {
        for (const delivery of list.toArray()) {
          delivery.state = 'stale';
          list.remove(delivery);
        }
      }
    }
    for (const channel of [...this.channels]) channel.linkLost(reason);
    this.#closed.resolve(reason);
  }
}
