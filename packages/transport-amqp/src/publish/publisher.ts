import {
  abortError,
  BufferFullError,
  ClosedError,
  deferred,
  type KombuError,
  type MaybePromise,
  OperationalError,
  type PublishOp,
  type Route,
  TimeoutError,
  type WireMessage,
} from '@kombu/core';
import type { Channel } from 'amqplib';
import type { ChannelCore } from '../channel/core.js';
import { channelNumber } from '../driver/amqplib.js';
import { closeChannel, openChannel } from '../driver/open-channel.js';
import { channelError, linkError, publishError } from '../translate-error.js';
import type { Return, Sink } from '../wire/frame-reader.js';
import { checkBytes, writePublish } from '../wire/frames.js';
import type { ContentHeader } from '../wire/properties.js';
import { Answers } from './answers.js';
import { refusedPublish } from './culprit.js';
import { MAX_TIMER_MS } from './deadlines.js';
import { ExchangeCheck } from './exchange-check.js';
import { InFlight } from './in-flight.js';
import { Pending } from './pending.js';

/** How long close() waits for the confirms of what was published before. */
const CONFIRMS_WITHIN_MS = 5_000;
/** Without confirms: from so many bytes on that the network has not taken, a publish waits for it. */
const CONGESTED_BYTES = 256 * 1024;

/**
 * The publishes of a level-1 channel, on an AMQP channel of their own that is opened with the first one. They are written in
 * call order and confirmed in any. What cannot be written yet is held: while the channel is opening, while the broker has an
 * alarm, and until it is known that the exchange is there.
 */
export class Publisher implements Sink {
  readonly #core: ChannelCore;
  readonly #confirms: boolean;
  readonly #inFlight: InFlight;
  readonly #check: ExchangeCheck;
  /** Of mandatory publishes, where there are no confirms. */
  readonly #answers: Answers;
  readonly #drained = deferred();
  #state: 'idle' | 'opening' | 'open' | 'closing' | 'closed' = 'idle';
  #channel: Channel | undefined;
  #number = 0;
  #closedBecause: KombuError | undefined;

  constructor(core: ChannelCore) {
    this.#core = core;
    this.#confirms = core.link.options.confirmPublish;
    this.#inFlight = new InFlight(core.link.options, core.link.context.clock);
    this.#answers = new Answers({
      output: core.link.output,
      channel: () => this.#channel,
      last: () => this.#inFlight.lastWritten,
      answered: (upTo) => this.confirmed(upTo, true, true),
    });
    this.#check = new ExchangeCheck(core.link, (exchange, error) => this.#checked(exchange, error));
  }

  /** Whether the broker owes a confirm. */
  get awaitsConfirms(): boolean {
    return this.#inFlight.unconfirmed > 0;
  }

  publish(message: WireMessage, route: Route, o?: PublishOp): MaybePromise<void> {
    const refusal = this.#refuse(message, o);
    if (refusal !== undefined) return Promise.reject(refusal);
    const inFlight = this.#inFlight;
    const straight = this.#state === 'open' && inFlight.held.length === 0 && !this.#core.link.blocked;
    if (!straight || route.mandatory || !this.#check.known(route.exchange)) return this.#hold(message, route, o);
    try {
      this.#write(message, route);
    } catch (error) {
      return Promise.reject(error);
    }
    if (!this.#confirms) return this.#whenTaken(message, route, o);
    const pending = new Pending(message, route, o);
    pending.sent = true;
    inFlight.wrote(pending);
    return pending.promise;
  }

  #hold(message: WireMessage, route: Route, o: PublishOp | undefined): Promise<void> {
    let table: Buffer | undefined;
    try {
      if (route.mandatory) table = Buffer.from(this.#core.link.tables.encode(message.headers));
    } catch (error) {
      return Promise.reject(error);
    }
    const pending = new Pending(message, route, o, table);
    this.#inFlight.hold(pending);
    this.#go();
    return pending.promise;
  }

  #refuse({ body }: WireMessage, o: PublishOp | undefined): KombuError | undefined {
    if (this.#closedBecause !== undefined) return this.#closedBecause;
    if (o?.signal?.aborted) return abortError(o.signal, 'publish');
    if (o?.deadline !== undefined && o.deadline <= this.#core.link.context.clock.monotonic()) {
      return new TimeoutError('the message could not be sent in time', { sent: 'no' });
    }
    return (
      checkBytes(body) ??
      this.#inFlight.refuse(body.length) ??
      (this.#confirms ? undefined : this.#congested(body.length))
    );
  }

  #congested(length: number): BufferFullError | undefined {
    const waiting = this.#core.link.output.waitingBytes;
    if (waiting === 0 || waiting + length <= this.#core.link.options.maxInFlightBytes) return undefined;
    return new BufferFullError(`the network has not taken ${waiting} bytes yet: await some publishes first`);
  }

  #write(message: WireMessage, route: Route): void {
    const { output, tables, frameMax } = this.#core.link;
    writePublish(output, tables, this.#number, frameMax, message, route);
  }

  /** Without confirms a publish ends at once, or when the network has caught up. */
  #whenTaken(message: WireMessage, route: Route, o: PublishOp | undefined): MaybePromise<void> {
    const { link } = this.#core;
    const { clock } = link.context;
    if (link.output.waitingBytes < CONGESTED_BYTES) return undefined;
    const pending = new Pending(message, route, o);
    pending.sent = true;
    const left = Math.min(Math.max(0, pending.deadline - clock.monotonic()), MAX_TIMER_MS);
    const stop = o?.deadline === undefined ? (): void => {} : clock.after(left, () => pending.expire());
    link.output.whenTaken((all) => {
      stop();
      if (all) pending.done();
      else pending.fail(linkError(link.lostBecause));
    });
    return pending.promise;
  }

  /** Writes what is held, as far as that is possible now, and starts what it waits for. */
  #go(): void {
    if (this.#state === 'idle' && this.#inFlight.held.length > 0) void this.#open();
    this.#inFlight.release((pending) => {
      const { exchange } = pending.route;
      if (!this.#check.known(exchange)) this.#check.start(exchange);
      else if (this.#channel !== undefined && !this.#core.link.blocked && !this.#inFlight.hasTwin(pending)) {
        return this.#send(pending);
      }
      return 'wait';
    });
    this.#tellDrained();
  }

  #send(pending: Pending): 'sent' | 'done' {
    try {
      this.#write(pending.message, pending.route);
      pending.sent = true;
      if (this.#confirms) return 'sent';
      if (pending.route.mandatory) {
        this.#answers.want();
        return 'sent';
      }
      pending.done();
    } catch (error) {
      pending.fail(channelError(error));
    }
    return 'done';
  }

  async #open(): Promise<void> {
    const { link } = this.#core;
    if (this.#state === 'idle') this.#state = 'opening';
    try {
      const fate = { died: (error: Error | undefined) => this.#died(channel, error) };
      const channel: Channel = this.#confirms
        ? await openChannel(link.driver, fate, true)
        : await openChannel(link.driver, fate);
      if (this.#isClosed()) return void closeChannel(channel);
      this.#channel = channel;
      this.#number = channelNumber(channel);
      link.reader.add(this.#number, this);
      if (this.#state === 'opening') this.#state = 'open';
      this.#go();
    } catch (error) {
      if (this.#isClosed()) return;
      if (this.#state === 'opening') this.#state = 'idle';
      this.#inFlight.failHeld(channelError(error, link.lostBecause));
      this.#tellDrained();
    }
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #checked(exchange: string, error: KombuError | undefined): void {
    if (this.#isClosed()) return;
    if (error !== undefined) this.#inFlight.failHeld(error, (pending) => pending.route.exchange === exchange);
    this.#go();
  }

  confirmed(tag: number, multiple: boolean, taken: boolean): void {
    this.#inFlight.confirmed(tag, multiple, taken);
    if (this.#state === 'closing' || this.#inFlight.held.length > 0) this.#go();
  }

  returned(method: Return, header: ContentHeader, body: Buffer): void {
    if (this.#inFlight.returned(method, header, body)) return;
    const { exchange, routingKey, replyCode, replyText } = method;
    const { contentType, contentEncoding, headers, properties } = header;
    const message = { body, contentType, contentEncoding, headers, properties };
    this.#core.events.returned({ message, exchange, routingKey, replyCode, replyText });
  }

  /** The broker takes messages again. */
  unblocked(): void {
    if (!this.#isClosed()) this.#go();
  }

  /** The AMQP channel is gone; why, and what becomes of what was in flight, is looked at when amqplib has said all it has to say. */
  #died(channel: Channel, error: Error | undefined): void {
    if (this.#channel !== channel) return;
    this.#core.link.reader.remove(this.#number);
    this.#channel = undefined;
    if (this.#state === 'open') this.#state = 'idle';
    const written = this.#inFlight.takeWritten();
    queueMicrotask(() => {
      const lost = this.#core.link.lostBecause;
      if (lost === undefined && !this.#isClosed()) this.#refused(written, error);
      else for (const pending of written) pending.fail(this.#closedBecause ?? linkError(lost));
    });
  }

  /**
   * The broker closed the channel over one publish. That one is told; those after it were never looked at and are sent again;
   * of those before it nobody knows any more.
   */
  #refused(written: Pending[], error: Error | undefined): void {
    const text = error?.message ?? 'the broker closed the channel';
    const culprit = refusedPublish(written, text);
    const at = culprit === undefined ? written.length : written.indexOf(culprit);
    const message = `the channel ended before the message was confirmed: ${text}`;
    const unknown = new OperationalError('CONNECTION_LOST', message, { cause: error });
    for (const pending of written.slice(0, at)) pending.fail(unknown);
    if (culprit !== undefined) {
      this.#check.forget(culprit.route.exchange);
      culprit.fail(publishError(error));
    }
    this.#inFlight.holdAgain(written.slice(at + 1));
    if (!this.#confirms) this.#core.events.warning(publishError(error));
    if (this.#state === 'closing' && this.#inFlight.held.length > 0) void this.#open();
    this.#go();
  }

  #tellDrained(): void {
    if (this.#state === 'closing' && this.#inFlight.empty) this.#drained.resolve();
  }

  /** Waits for the confirms of what was published, for a while, and closes the AMQP channel. */
  async close(): Promise<void> {
    const { link } = this.#core;
    this.#closedBecause ??= new ClosedError('the channel is closed');
    if (this.#state === 'open' || this.#state === 'opening') {
      this.#state = 'closing';
      this.#tellDrained();
      const stop = link.context.clock.after(link.blocked ? 0 : CONFIRMS_WITHIN_MS, this.#drained.resolve);
      await this.#drained.promise;
      stop();
    }
    const channel = this.#channel;
    link.output.flush();
    this.#end(this.#closedBecause);
    if (channel !== undefined) await closeChannel(channel);
  }

  /** The link is gone, and the channel with it. */
  linkLost(reason: KombuError): void {
    this.#closedBecause = reason;
    this.#end(reason);
    this.#drained.resolve();
  }

  #end(reason: KombuError): void {
    this.#state = 'closed';
    if (this.#channel !== undefined) this.#core.link.reader.remove(this.#number);
    this.#channel = undefined;
    this.#inFlight.end(reason);
  }
}
