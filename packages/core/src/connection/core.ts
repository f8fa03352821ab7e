import { diagnosticsChannels } from '../diagnostics/channels.js';
import { type KombuError, OperationalError } from '../errors/index.js';
import type { Clock } from '../util/clock.js';
import type { Logger } from '../util/logger.js';
import { type Brokers, shownUrl } from './brokers.js';
import type { ChannelHost } from './channel-host.js';
import type { ChannelLink } from './channel-link.js';
import { closedError } from './connect-errors.js';
import type { ConnectionEvents } from './connection-events.js';
import { within } from './deadlines.js';
import { DrainCounter } from './drain.js';
import type { Emitter } from './events.js';
import type { Failover } from './failover.js';
import { KeepAlive } from './keep-alive.js';
import { type LinkHost, LinkKeeper } from './reconnect.js';
import { asKombuError, type ResolvedRetryPolicy } from './retry.js';
import { type Revival, RevivalReport, replayTopology } from './revival.js';
import { isLocked, NO_EVENTS, type SecondChanceHost, secondChance } from './second-chance.js';
import type { Session } from './session.js';
import { TopologyRecorder } from './topology.js';

/** Something that is closed before its connection is: a consumer, a producer. */
export interface ConnectionPart {
  close(o?: { readonly drainMs?: number }): Promise<void>;
}

/** What a connection is made of, for its inner workings. */
export interface CoreParts {
  readonly connectionId: string;
  readonly brokers: Brokers;
  readonly emitter: Emitter<ConnectionEvents>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly trace: Logger | undefined;
  readonly policy: ResolvedRetryPolicy | undefined;
  readonly maxWaiting: number;
}

/** The inner workings of a connection: its link, its channels, and what is to come back when the link is replaced. */
export class ConnectionCore implements LinkHost, ChannelHost, SecondChanceHost {
  readonly connectionId: string;
  readonly clock: Clock;
  readonly policy: ResolvedRetryPolicy | undefined;
  readonly trace: Logger | undefined;
  readonly keepAlive = new KeepAlive();
  readonly topology = new TopologyRecorder(() => this.clock.monotonic());
  readonly drain = new DrainCounter();
  readonly keeper: LinkKeeper;
  readonly #brokers: Brokers;
  readonly emitter: Emitter<ConnectionEvents>;
  readonly #logger: Logger;
  readonly #channels = new Set<ChannelLink>();
  readonly #parts = new Set<ConnectionPart>();
  #maxWaiting: number;
  #closing: Promise<void> | undefined;

  constructor(parts: CoreParts) {
    this.connectionId = parts.connectionId;
    this.clock = parts.clock;
    this.policy = parts.policy;
    this.trace = parts.trace;
    this.#maxWaiting = parts.maxWaiting;
    this.#brokers = parts.brokers;
    this.emitter = parts.emitter;
    this.#logger = parts.logger;
    this.keeper = new LinkKeeper(this);
  }

  // What channels ask for.

  get maxWaiting(): number {
    return this.#maxWaiting;
  }

  get closeTimeoutMs(): number {
    return this.#brokers.current.connectTimeoutMs;
  }

  session(): Session | undefined {
    return this.keeper.session;
  }

  acquire(signal: AbortSignal | undefined): Promise<Session> {
    return this.keeper.acquire({ signal });
  }

  assertOpen(): void {
    if (this.keeper.state === 'closing' || this.keeper.state === 'closed') throw closedError();
  }

  settlesLater(): boolean {
    return this.#brokers.loaded(this.#brokers.current)?.capabilities.settleAfterReconnect === true;
  }

  isConsumed(queue: string): boolean {
    for (const link of this.#channels) if (link.consumers.consumesFrom(queue)) return true;
    return false;
  }

  adopt(link: ChannelLink): void {
    this.#channels.add(link);
  }

  forget(link: ChannelLink): void {
    this.#channels.delete(link);
  }

  delivered(): void {
    this.drain.delivered();
  }

  consuming(): void {
    this.drain.consuming();
  }

  emitError(error: unknown): void {
    const known = asKombuError(error, 'connection');
    this.#logger.error(known.message, known);
    this.emitter.emit('error', known);
  }

  warn(error: unknown): void {
    const known = asKombuError(error, 'connection');
    this.#logger.warn(known.message, known);
    this.emitter.emit('warning', known);
  }

  /** Closed before the connection is; returns how to take that back. */
  track(part: ConnectionPart): () => void {
    this.#parts.add(part);
    return () => this.#parts.delete(part);
  }

  // What the keeper of the link asks for and tells.

  failover(): Promise<Failover> {
    return this.#brokers.readyFailover();
  }

  dial(url: string, generation: number, signal: AbortSignal): Promise<Session> {
    return this.#brokers.dial(url, generation, signal, this.clock, {
      connectionId: this.connectionId,
      logger: this.#logger,
      warn: (error) => this.warn(error),
      blocked: (reason) => this.emitter.emit('blocked', { reason }),
      unblocked: () => this.emitter.emit('unblocked', undefined),
    });
  }

  async restore(session: Session, signal: AbortSignal): Promise<Revival> {
    const report = new RevivalReport(this.clock);
    if (this.topology.size > 0) {
      const channel = await report.step('channel', 'of the declarations', signal, (s) =>
        session.openChannel(NO_EVENTS, s),
      );
      if (channel !== undefined) {
        await replayTopology(this.topology, channel, report, signal);
        await channel.close();
      }
    }
    const open = [...this.#channels].filter((link) => link.state === 'open');
    await Promise.all(open.map((link) => link.attach(session, report, signal)));
    return report.finish(session.generation);
  }

  opened(session: Session, revival: Revival): void {
    const { maxInFlight } = session.target.options as { maxInFlight?: unknown };
    if (typeof maxInFlight === 'number') this.#maxWaiting = maxInFlight;
    for (const link of [...this.#channels]) link.resume();
    const { generation } = session;
    const url = shownUrl(this.#brokers.current);
    if (diagnosticsChannels.connect.hasSubscribers) {
      const { connectionId } = this;
      diagnosticsChannels.connect.publish({ connectionId, generation, transport: session.transport.name, url });
    }
    this.#logger.info(`connected to ${url}`);
    this.emitter.emit('connected', { url, generation });
    if (generation === 1) return;
    this.#revived(revival);
    if (!this.anyLocked() && !revival.failed.some(({ error }) => isLocked(error))) return;
    secondChance(this, session).then(
      (report) => report !== undefined && this.#revived(report.finish(generation)),
      (error: unknown) => this.emitError(error),
    );
  }

  #revived(revival: Revival): void {
    const { generation, exchanges, queues, consumers, failed } = revival;
    if (diagnosticsChannels.revive.hasSubscribers) {
      const { connectionId } = this;
      const event = { connectionId, generation, exchanges, queues, consumers, failed: failed.length };
      diagnosticsChannels.revive.publish(event);
    }
    this.#logger.info(`revived: ${queues.length} queues, ${consumers.length} consumers, ${failed.length} failed`);
    for (const { kind, name, error } of failed) this.#logger.warn(`${kind} '${name}' did not come back`, error);
    this.emitter.emit('revived', revival);
  }

  anyLocked(): boolean {
    return [...this.#channels].some((link) => link.consumers.anyLocked);
  }

  async restartLocked(report: RevivalReport, signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#channels].map((link) => link.restartLocked(report, signal)));
  }

  endLocked(error: KombuError): void {
    for (const link of [...this.#channels]) link.consumers.endLocked(error);
  }

  lost(session: Session, error: KombuError | undefined): void {
    for (const link of this.#channels) link.detach();
    this.#logger.warn('the link to the broker is gone', error);
    this.#disconnected(session, error);
  }

  #disconnected({ generation }: Session, error: KombuError | undefined): void {
    if (diagnosticsChannels.disconnect.hasSubscribers) {
      diagnosticsChannels.disconnect.publish({ connectionId: this.connectionId, generation, error });
    }
    this.emitter.emit('disconnected', { generation, error });
  }

  retrying(attempt: number, delayMs: number, error: KombuError): void {
    this.#logger.info(`connecting again in ${Math.round(delayMs)} ms (try ${attempt})`, error);
    this.emitter.emit('reconnecting', { attempt, delayMs, error });
    this.policy?.onError?.(error, delayMs);
  }

  passFailed(error: KombuError): void {
    for (const link of [...this.#channels]) link.publishes.tryFailed(error);
  }

  gaveUp(error: KombuError): void {
    for (const link of [...this.#channels]) link.gaveUp(error);
    this.drain.end(error);
    this.emitError(error);
  }

  // Ending.

  /** Closes the link without replacing it; consumers stay, and consume again when there is one. */
  switchLink(): void {
    const why = new OperationalError('CONNECTION_LOST', 'the connection was switched to another URL');
    const session = this.keeper.drop(why);
    session?.link.close().catch((error: unknown) => this.#logger.warn('closing the link', error));
  }

  /** Forgets channels, consumers and declarations, and drops the link, without any I/O. */
  collect(): void {
    const why = new OperationalError('CONNECTION_LOST', 'the connection was collected');
    const session = this.keeper.drop(why);
    for (const link of [...this.#channels]) link.abandon(why);
    this.topology.clear();
    this.drain.end(why);
    session?.link.destroy();
  }

  close(drainMs: number): Promise<void> {
    if (this.#closing !== undefined) {
      // A part may be closing for the handler that calls this: it has to know that it need not wait for that one.
      for (const part of [...this.#parts]) part.close({ drainMs }).catch(() => {});
    }
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    this.keeper.beginClose();
    this.drain.end(closedError());
    // More may come while these drain: a handler that is allowed to finish may start something.
    const asked = new Set<ConnectionPart>();
    for (;;) {
      const parts = [...this.#parts].filter((part) => !asked.has(part));
      if (parts.length === 0) break;
      for (const part of parts) asked.add(part);
      await this.#settled(parts.map((part) => part.close({ drainMs })));
    }
    await within(this.closeTimeoutMs, this.clock, this.#settled([...this.#channels].map((link) => link.close())));
    const session = this.keeper.end();
    if (session !== undefined) {
      await within(this.closeTimeoutMs, this.clock, this.#settled([session.link.close()]));
      session.link.destroy();
      this.#disconnected(session, undefined);
    }
    this.emitter.emit('closed', undefined);
  }

  /** Waits for all; what fails while closing is logged, for nobody can do anything about it. */
  async #settled(work: readonly Promise<unknown>[]): Promise<void> {
    for (const result of await Promise.allSettled(work)) {
      if (result.status === 'rejected') this.#logger.warn('closing', result.reason);
    }
  }
}
