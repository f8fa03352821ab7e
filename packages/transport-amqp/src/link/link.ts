import {
  type BrokerTarget,
  type ChannelEvents,
  ClosedError,
  deferred,
  type KombuError,
  type Op,
  type TransportChannel,
  type TransportConnection,
  type TransportContext,
  throwIfAborted,
} from '@kombu/core';
import type { Channel, ChannelModel } from 'amqplib';
import { AmqpChannel } from '../channel/channel.js';
import { type RawConnection, rawConnection } from '../driver/amqplib.js';
import { type AmqpOptions, type ResolvedAmqpOptions, resolveOptions } from '../options.js';
import { linkError } from '../translate-error.js';
import { FrameReader } from '../wire/frame-reader.js';
import { Output } from '../wire/output.js';
import { TableWriter } from '../wire/table-writer.js';
import { elsewhere } from './elsewhere.js';
import type { LinkCore } from './link-core.js';
import { QueueKinds } from './queue-kinds.js';
import { UtilityChannels } from './utility-channels.js';
import { watch } from './watchdog.js';

/** How long closing in good order may take before the socket is just destroyed. */
const CLOSE_WITHIN_MS = 5_000;

/** A connection to RabbitMQ: amqplib's, with our own way for messages in and out. */
export class AmqpLink implements TransportConnection, LinkCore {
  readonly closed: Promise<KombuError | undefined>;
  readonly driver: ChannelModel;
  readonly serverVersion: string | undefined;
  readonly options: ResolvedAmqpOptions;
  readonly context: TransportContext;
  readonly output: Output;
  readonly reader: FrameReader;
  readonly tables = new TableWriter();
  readonly utility: UtilityChannels;
  /** Exchanges that were there when this link last looked: publishing to them needs no check. */
  readonly exchanges = new Set<string>();
  readonly exchangeTypes = new Set(['direct', 'topic', 'fanout', 'headers']);
  readonly queueKinds = new QueueKinds();
  readonly #target: BrokerTarget<AmqpOptions>;
  readonly #raw: RawConnection;
  readonly #channels = new Set<AmqpChannel>();
  readonly #closed = deferred<KombuError | undefined>();
  readonly #stopWatching: () => void;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #reason: unknown;

  constructor(driver: ChannelModel, target: BrokerTarget<AmqpOptions>, context: TransportContext) {
    const options = resolveOptions(target.options);
    driver.on('error', (error) => {
      this.#reason ??= error;
    });
    driver.on('close', (error) => this.#end(error));
    driver.on('blocked', (reason) => {
      context.blocked(reason);
    });
    driver.on('unblocked', () => {
      context.unblocked();
      for (const channel of this.#channels) channel.unblocked();
    });
    const raw = rawConnection(driver);
    this.driver = driver;
    this.#target = target;
    this.options = options;
    this.context = context;
    this.closed = this.#closed.promise;
    this.#raw = raw;
    const { version } = raw.serverProperties;
    this.serverVersion = typeof version === 'string' ? version : undefined;
    this.output = new Output(raw.stream, () => {
      raw.sentSinceLastCheck = true;
    });
    this.reader = new FrameReader(raw);
    this.utility = new UtilityChannels(driver);
    this.#stopWatching = watch({
      clock: context.clock,
      stream: raw.stream,
      output: this.output,
      readTimeoutMs: options.readTimeoutMs,
      writeTimeoutMs: options.writeTimeoutMs,
      owes: () => this.utility.busy || [...this.#channels].some((channel) => channel.awaitsConfirms),
      blocked: () => raw.blocked,
      giveUp: (error) => this.#end(error),
    });
  }

  /** The heartbeat that both sides have agreed on, in milliseconds; 0: none. */
  get heartbeatMs(): number {
    return this.#raw.heartbeat * 1000;
  }

  /** The largest frame that the broker takes, in bytes. */
  get frameMax(): number {
    return this.#raw.frameMax;
  }

  /** Whether the broker takes no messages now, because of an alarm. */
  get blocked(): boolean {
    return this.#raw.blocked;
  }

  /** Why the link is lost, as the driver told it; undefined while it is not. */
  get lostBecause(): unknown {
    return this.#state === 'open' && this.#reason === undefined
      ? undefined
      : (this.#reason ?? new ClosedError('the connection is closed'));
  }

  elsewhere<T>(operation: (channel: Channel) => Promise<T>): Promise<T> {
    return elsewhere(this.#target, this.context, operation);
  }

  async openChannel(events: ChannelEvents, o: Op = {}): Promise<TransportChannel> {
    throwIfAborted(o.signal, 'opening a channel');
    if (this.#state !== 'open') throw this.#lost();
    const channel = new AmqpChannel(this, events);
    this.#channels.add(channel);
    void channel.closed.then(() => this.#channels.delete(channel));
    return channel;
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      await this.#within([...this.#channels].map((channel) => channel.close()));
      if (this.#state === 'open') {
        this.#state = 'closing';
        this.output.flush();
        await this.#within([this.driver.close().catch(() => {})]);
      }
      this.#end(undefined);
    }
    await this.#closed.promise;
  }

  destroy(): void {
    this.#state = this.#state === 'open' ? 'closing' : this.#state;
    this.#end(undefined);
  }

  /** Waits for all of it, for the link to be gone, or for as long as closing may take. */
  async #within(parts: readonly Promise<unknown>[]): Promise<void> {
    const late = deferred();
    const stop = this.context.clock.after(CLOSE_WITHIN_MS, late.resolve);
    await Promise.race([Promise.all(parts), this.#closed.promise, late.promise]);
    stop();
  }

  #lost(): KombuError {
    return this.#reason === undefined ? new ClosedError('the connection is closed') : linkError(this.#reason);
  }

  #end(error: unknown): void {
    if (this.#state === 'closed') return;
    const byUs = this.#state === 'closing';
    this.#state = 'closed';
    if (!byUs) this.#reason ??= error ?? new Error('the broker closed the connection');
    this.#stopWatching();
    this.output.kill();
    // With an error, because that is what makes amqplib stop its heartbeat when it does not know yet.
    this.#raw.stream.destroy(new Error('the connection is closed'));
    const reason = byUs ? undefined : linkError(this.#reason);
    for (const channel of this.#channels) channel.linkLost(reason);
    this.#closed.resolve(reason);
  }
}
