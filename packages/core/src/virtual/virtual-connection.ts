import { ClosedError, type KombuError } from '../errors/index.js';
import type { ChannelEvents, Op } from '../transport/channel.js';
import type { TransportConnection } from '../transport/transport.js';
import { throwIfAborted } from '../util/abort.js';
import { deferred } from '../util/deferred.js';
import { type ArrivalHooks, dispatch } from './arrivals.js';
import { BatchPublisher } from './batch-publisher.js';
import { BroadcastHub } from './broadcast-hub.js';
import type { CarryOver, Heir, Leftovers } from './carry-over.js';
import { ConsumeLoop } from './consume-loop.js';
import { Consumers } from './consumers.js';
import { Declarations } from './declarations.js';
import type { UnsettledList } from './delivery.js';
import { DirectPublisher } from './direct-publisher.js';
import { getOne } from './get-one.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { Link } from './link.js';
import type { Opened, Parts } from './parts.js';
import type { Publisher, PublishHooks } from './publisher.js';
import { Reaper } from './reaper.js';
import { Settling } from './settling.js';
import { VirtualChannel } from './virtual-channel.js';
import { within } from './within.js';

/** Longest time that closing waits for one thing. */
const CLOSE_MS = 5000;

/** A link to a broker over a driver, and what all of its channels share. */
export class VirtualConnection implements TransportConnection, Parts {
  readonly link: Link;
  readonly loop: ConsumeLoop;
  readonly consumers: Consumers;
  readonly declarations: Declarations;
  readonly settling: Settling;
  readonly unsettled = new Set<UnsettledList>();
  readonly channels = new Set<VirtualChannel>();
  readonly #hub: BroadcastHub;
  readonly #leases: LeaseKeeper;
  readonly #reaper: Reaper;
  readonly #carryOver: CarryOver;
  readonly #core: Publisher;
  readonly #closed = deferred<KombuError | undefined>();
  readonly #abort = new AbortController();
  readonly #unlisten: (() => void) | undefined;
  readonly #heir: Heir = (settlements) => {
    for (const item of settlements) this.settling.buffer.add(item);
  };
  #tags = 0;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  constructor(link: Link, carryOver: CarryOver) {
    this.link = link;
    this.#carryOver = carryOver;
    const { signal } = this.#abort;
    this.settling = new Settling(
      link,
      (message, route, keep) => this.#core.publish(message, route, undefined, keep),
      () => this.#hub,
    );
    this.#core = this.#makePublisher(Number.POSITIVE_INFINITY);
    const arrivals: ArrivalHooks = {
      open: (reserved) => this.settling.open(reserved),
      expired: (reserved, content, noAck) => this.settling.dispose(reserved, content, 'expired', noAck),
      release: (reserved, noAck) => this.settling.giveBack(reserved, noAck),
    };
    const flush = (): void => this.settling.buffer.flush();
    const gone = (queue: string): void => this.#queueGone(queue);
    this.loop = new ConsumeLoop(link, { ...arrivals, flush, gone, freed: () => this.#hub.resume(), signal });
    this.#hub = new BroadcastHub(link, this.loop.feeds, (reserved, noAck) => {
      dispatch(reserved, noAck, this.loop.feeds, link.clock, arrivals);
    });
    this.declarations = new Declarations(link, {
      flush: () => this.settling.buffer.flush(),
      used: (queue, expiresMs) => this.#reaper.used(queue, expiresMs),
      queueGone: (queue) => this.#queueGone(queue),
      fanout: async (binding, o) => {
        await link.driver.fanout?.bind(binding, o);
        if (this.loop.feeds.has(binding.destination)) await this.#hub.subscribe(binding);
      },
      unbound: (binding, o) => {
        this.#hub.unsubscribe(binding.destination, binding);
        return link.driver.fanout?.unbind(binding, o);
      },
    });
    this.consumers = new Consumers(link, this.loop, this.declarations, {
      begin: async (queue) => {
        this.#reaper.recover();
        await Promise.all(this.declarations.fanouts(queue).map((binding) => this.#hub.subscribe(binding)));
      },
      ready: () => this.#hub.resume(),
      end: (queue) => this.#hub.unsubscribe(queue),
    });
    this.#reaper = new Reaper(link, this.consumers, this.declarations, {
      expired: (reserved) => {
        for (const one of reserved) this.settling.dispose(one, this.settling.open(one), 'expired', false);
      },
      recovered: () => this.loop.wakeAll(),
      signal,
    });
    this.#leases = new LeaseKeeper(link, this.unsettled);
    this.#unlisten = link.topology.onQueueDropped?.((queue) => this.#queueGone(queue));
    link.driver.closed.then((reason) => this.#ended(reason));
    const left = carryOver.take(link.connectionId);
    if (left !== undefined) this.#adopt(left);
    carryOver.appoint(link.connectionId, this.#heir);
    this.#leases.start(left !== undefined && left.unsettled.length > 0);
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

  openPublisher(): Publisher {
    return this.#makePublisher(this.link.options.maxInFlight);
  }

  getOne(queue: string, o: Op & { noAck?: boolean }): Promise<Opened | undefined> {
    const { link, declarations, settling } = this;
    return getOne({ link, declarations, settling, hub: this.#hub, signal: this.#abort.signal }, queue, o);
  }

  async purge(queue: string, o?: Op): Promise<number> {
    return (await this.declarations.purgeQueue(queue, o)) + this.#hub.purge(queue);
  }

  resume(): void {
    this.loop.resume();
    this.#hub.resume();
  }

  nextTag(): number {
    return ++this.#tags;
  }

  now(): number {
    return this.link.driver.extend === undefined ? 0 : this.link.clock.monotonic();
  }

  #makePublisher(maxInFlight: number): Publisher {
    const hooks: PublishHooks = {
      flush: () => this.settling.buffer.flush(),
      evicted: (reserved) => {
        for (const one of reserved) this.settling.dispose(one, this.settling.open(one), 'maxlen', false);
      },
      willExpire: (queue, at) => this.#reaper.willExpire(queue, at),
      // Where the store tells of new messages itself, it has told already.
      stored: (queue) => (this.link.driver.watch === undefined ? this.loop.wake(queue) : undefined),
    };
    if (this.link.storesObjects) return new DirectPublisher(this.link, hooks);
    return new BatchPublisher(this.link, hooks, maxInFlight);
  }

  #queueGone(queue: string): void {
    this.consumers.queueGone(queue);
    this.#hub.purge(queue);
    this.#reaper.gone(queue);
  }

  /** Takes over what the link before this one has left. */
  #adopt(left: Leftovers): void {
    for (const list of left.unsettled) this.unsettled.add(list);
    this.#heir(left.settlements);
    this.consumers.clear(left.presence);
  }

  async #close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    const { clock, driver } = this.link;
    const wait = (work: Promise<unknown>, ms = CLOSE_MS): Promise<void> => within(clock, ms, work);
    await Promise.allSettled([...this.channels].map((channel) => channel.close()));
    this.#abort.abort();
    await wait(this.loop.close(), CLOSE_MS + driver.limits.receiveWaitMs);
    await wait(this.settling.drained());
    await wait(this.consumers.stopped());
    for (const queue of [...this.declarations.owned]) await wait(this.declarations.dropQueue(queue));
    this.#stop();
    await wait(this.consumers.close());
    await wait(driver.close());
    this.#state = 'closed';
    this.#closed.resolve(undefined);
  }

  #stop(): void {
    this.#carryOver.dismiss(this.link.connectionId, this.#heir);
    this.#leases.stop();
    this.#reaper.stop();
    this.#hub.close();
    this.#unlisten?.();
  }

  /** The link is gone. */
  #ended(reason: KombuError | undefined): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#abort.abort();
    void this.loop.close();
    this.#stop();
    this.consumers.close().catch(() => {});
    this.#leave();
    this.#core.close(reason ?? new ClosedError('the connection is closed'));
    for (const channel of [...this.channels]) channel.linkLost(reason);
    this.#closed.resolve(reason);
  }

  /** What others see of this link goes; what the next link of this Connection can go on with is kept for it. */
  #leave(): void {
    const { presence, connectionId, clock, options, capabilities } = this.link;
    const entries = this.consumers.leftovers();
    if (presence.local) for (const entry of entries) void presence.leave(entry.queue, entry.consumer);
    const again = capabilities.settleAfterReconnect;
    // A session that outlives its link may do so for as long as the broker is away: what it holds is not forgotten before.
    const keptMs = capabilities.lease === 'session' ? undefined : options.leaseMs;
    const abandoned = this.settling.abandon((late) => {
      if (again) this.#carryOver.late(connectionId, late, clock, keptMs);
    });
    const unsettled = again ? [...this.unsettled].filter((list) => list.size > 0) : [];
    if (!again) for (const list of this.unsettled) list.die();
    const left = { unsettled, settlements: again ? abandoned : [], presence: presence.local ? [] : entries };
    this.#carryOver.keep(connectionId, left, clock, keptMs);
  }
}
