import { traceChannel } from '../diagnostics/trace.js';
import { ClosedError, type KombuError, StaleDeliveryError } from '../errors/index.js';
import type { ChannelEvents, MaybePromise, Channel as TransportChannel } from '../transport/channel.js';
import type { Delivery, Outcome, ReturnedMessage, Route, WireMessage } from '../transport/delivery.js';
import { waitOrAbort } from '../util/abort.js';
import { deferred } from '../util/deferred.js';
import type { ChannelHost } from './channel-host.js';
import { sleep, within } from './deadlines.js';
import { LateSettlements, type SettleOptions } from './late-settlements.js';
import { asKombuError, isLinkError, jitterCeiling, RECONNECT_INTERVALS } from './retry.js';
import { RevivalReport } from './revival.js';
import type { Session } from './session.js';
import { Subscriptions } from './subscriptions.js';
import { type ChannelPublishOptions, WaitingPublishes } from './waiting-publishes.js';

/** How a channel hangs on the link: opened on it, taken off it when it is lost, opened again on the next. */
export class ChannelLink {
  readonly id: number;
  readonly publishes: WaitingPublishes;
  readonly consumers: Subscriptions;
  readonly returned = new Set<(message: ReturnedMessage) => void>();
  /** What all consumers together may hold; set anew on each link. */
  channelPrefetch: number | undefined;
  readonly #host: ChannelHost;
  readonly #settlements: LateSettlements;
  readonly #closed = deferred<KombuError | undefined>();
  #state: 'idle' | 'open' | 'closed' = 'idle';
  #generation = 0;
  #raw: TransportChannel | undefined;
  #out: TransportChannel | undefined;
  #opening: { readonly session: Session; readonly done: Promise<void> } | undefined;
  #wanted = false;
  #closing: Promise<void> | undefined;
  /** How often in a row the broker has closed this channel on a link that lived on. */
  #mishaps = 0;

  constructor(id: number, host: ChannelHost) {
    this.id = id;
    this.#host = host;
    this.publishes = new WaitingPublishes({
      clock: host.clock,
      limit: () => host.maxWaiting,
      outlet: () => this.#out,
      wanted: () => this.#want(),
    });
    this.consumers = new Subscriptions({
      connectionId: host.connectionId,
      channelId: id,
      queueName: (name) => host.topology.currentName(name),
      delivered: () => host.delivered(),
      started: (queue) => {
        host.keepAlive.acquire();
        host.topology.consumerStarted(queue);
        host.consuming();
      },
      ended: (queue) => {
        host.keepAlive.release();
        if (!host.isConsumed(queue)) host.topology.consumersGone(queue);
      },
      error: (error) => host.emitError(error),
    });
    this.#settlements = new LateSettlements((delivery, error) => this.#settleFailed(delivery, error));
  }

  get state(): 'idle' | 'open' | 'closed' {
    return this.#state;
  }

  get closed(): Promise<KombuError | undefined> {
    return this.#closed.promise;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The level-1 channel on the current link. */
  get raw(): TransportChannel | undefined {
    return this.#raw;
  }

  /** The same, once everything is in place on that link, so that publishes may go out. */
  get out(): TransportChannel | undefined {
    return this.#out;
  }

  /** Waits until the channel is open on a link that is up. */
  async opened(signal: AbortSignal | undefined): Promise<TransportChannel> {
    for (;;) {
      if (this.#out !== undefined) return this.#out;
      if (this.#state === 'closed') throw closedError();
      this.#host.adopt(this);
      const session = await this.#host.acquire(signal);
      if (this.#out !== undefined) return this.#out;
      try {
        await waitOrAbort(this.#openOn(session), signal, 'opening the channel');
      } catch (error) {
        // The link was lost meanwhile: wait for the next one.
        if (!session.signal.aborted || signal?.aborted || this.#closing !== undefined) throw error;
        await session.lost;
      }
    }
  }

  /** Opens the channel on a new link and starts its consumers; nothing is published yet. */
  async attach(session: Session, report: RevivalReport, signal: AbortSignal): Promise<void> {
    const opened = await report.step('channel', `${this.id}`, signal, (s) => session.openChannel(this.#events(), s));
    if (opened === undefined) {
      const error = report.failed.findLast(({ kind, name }) => kind === 'channel' && name === `${this.id}`)?.error;
      if (error !== undefined) this.consumers.endAll(error);
      return;
    }
    if (this.#state === 'closed' || session.signal.aborted) {
      await opened.close();
      return;
    }
    const raw = this.#host.trace === undefined ? opened : traceChannel(opened, `channel ${this.id}:`, this.#host.trace);
    this.#raw = raw;
    this.#generation = session.generation;
    this.#state = 'open';
    const since = this.#host.clock.monotonic();
    opened.closed.then((error) => this.#rawClosed(raw, session, since, error));
    this.#settlements.flush(raw);
    if (this.channelPrefetch !== undefined) await raw.setChannelPrefetch?.(this.channelPrefetch);
    await this.consumers.restart(raw, report, signal);
  }

  /** Starts the consumers that were locked out when the link was replaced. */
  async restartLocked(report: RevivalReport, signal: AbortSignal): Promise<void> {
    if (this.#raw !== undefined) await this.consumers.restart(this.#raw, report, signal, 'locked');
  }

  /** Everything is in place: what waited goes out. */
  resume(): void {
    if (this.#raw === undefined || this.#out === this.#raw) return;
    this.#out = this.#raw;
    this.publishes.flush(this.#out);
  }

  /** The link is gone. */
  detach(): void {
    if (this.#raw === undefined) return;
    this.#raw = undefined;
    this.#out = undefined;
    this.consumers.linkLost();
  }

  /** There is no link any more, and nobody makes one. */
  gaveUp(error: KombuError): void {
    this.detach();
    this.publishes.fail(error);
    this.#settlements.fail(error);
    this.consumers.endAll(error);
  }

  waitToPublish(message: WireMessage, route: Route, o: ChannelPublishOptions | undefined): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(closedError());
    return this.publishes.wait(message, route, o);
  }

  settleLater(delivery: Delivery, outcome: Outcome | 'release', o: SettleOptions | undefined): MaybePromise<void> {
    if (this.#state === 'closed') throw closedError();
    if (!this.#host.settlesLater()) {
      throw new StaleDeliveryError('the delivery died with the link that it came over; the broker delivers it again');
    }
    return this.#settlements.add(delivery, outcome, o);
  }

  close(why?: KombuError): Promise<void> {
    this.#closing ??= this.#close(why);
    return this.#closing;
  }

  async #close(why: KombuError | undefined): Promise<void> {
    const raw = this.#raw;
    const { clock, closeTimeoutMs } = this.#host;
    let failure: unknown;
    const quietly = async (work: Promise<unknown>) => {
      // Neither a broker that does not answer nor one that refuses keeps a channel from being closed.
      await within(closeTimeoutMs, clock, work).catch((error: unknown) => {
        failure ??= error;
      });
    };
    if (raw !== undefined)
      await quietly(Promise.all(this.consumers.tags.map((tag) => this.consumers.cancel(raw, tag))));
    this.#state = 'closed';
    this.#raw = undefined;
    this.#out = undefined;
    this.#settlements.fail(why ?? closedError());
    this.consumers.endAll(why);
    this.publishes.fail(why ?? closedError(), true);
    this.#host.forget(this);
    if (raw !== undefined) await quietly(raw.close());
    this.#closed.resolve(why);
    if (failure !== undefined) this.#host.warn(failure);
  }

  /** Lets go of everything at once, without I/O. */
  abandon(why: KombuError): void {
    this.#raw = undefined;
    void this.close(why);
  }

  #openOn(session: Session): Promise<void> {
    if (this.#opening?.session === session) return this.#opening.done;
    const report = new RevivalReport(this.#host.clock);
    const done = session.during(this.attach(session, report, session.signal)).then(() => {
      const failure = report.failed.find(({ kind }) => kind === 'channel');
      if (failure !== undefined) throw failure.error;
      if (this.#state === 'closed') throw closedError();
      this.resume();
    });
    const opening = { session, done };
    this.#opening = opening;
    const over = () => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    done.then(over, over);
    return done;
  }

  /** A publish waits: see that there is a link. */
  #want(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.opened(undefined).then(
      () => {
        this.#wanted = false;
      },
      (error: unknown) => {
        this.#wanted = false;
        this.publishes.fail(asKombuError(error, 'opening the channel'));
      },
    );
  }

  #events(): ChannelEvents {
    return {
      returned: (message) => {
        for (const listener of this.returned) listener(message);
      },
      cancelledByBroker: (tag, why) => {
        this.#host.session()?.declared.clear(); // Its queue may be gone.
        this.consumers.cancelled(tag, why);
      },
      settleFailed: (delivery, error) => this.#settleFailed(delivery, error),
      warning: (error) => this.#host.warn(error),
    };
  }

  #settleFailed(delivery: Delivery, error: KombuError): void {
    if (!this.consumers.settleFailed(delivery, error)) this.#host.emitError(error);
  }

  /** The broker has closed the channel. When the link lives on, it is opened again, with growing waits. */
  #rawClosed(raw: TransportChannel, session: Session, since: number, error: KombuError | undefined): void {
    if (this.#raw !== raw || this.#closing !== undefined) return;
    this.detach();
    const { clock } = this.#host;
    this.#mishaps = clock.monotonic() - since > 10_000 ? 0 : this.#mishaps;
    const wait = jitterCeiling(this.#mishaps++, RECONNECT_INTERVALS);
    void this.#reopen(session, wait, error);
  }

  async #reopen(session: Session, wait: number, cause: KombuError | undefined): Promise<void> {
    try {
      await sleep(wait, this.#host.clock, 'opening the channel', { signal: session.signal, unref: true });
      if (cause !== undefined) this.#host.warn(cause);
      if (this.consumers.size > 0 || this.publishes.size > 0) await this.#openOn(session);
    } catch (error) {
      // With a new link everything is opened anew; else this channel cannot be had.
      if (session.signal.aborted || this.#closing !== undefined || isLinkError(error)) return;
      this.consumers.endAll(asKombuError(error, 'opening the channel'));
    }
  }
}

function closedError(): ClosedError {
  return new ClosedError('the channel is closed');
}
