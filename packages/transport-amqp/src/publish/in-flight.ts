import { BufferFullError, type Clock, type KombuError, OperationalError, UndeliverableError } from '@kombu/core';
import type { Return } from '../wire/frame-reader.js';
import type { ContentHeader } from '../wire/properties.js';
import { ConfirmWindow } from './confirm-window.js';
import { Deadlines } from './deadlines.js';
import type { Pending } from './pending.js';
import { Twins } from './twins.js';

/** How much may be in flight at once. */
export interface Limits {
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
}

/**
 * The publishes of a channel that have not ended: `held` ones, which cannot be written yet, and after them in call order those
 * that were written and wait for their confirm. A publish that has timed out counts until the broker has answered it, so that
 * a broker that answers nothing cannot be fed for ever.
 */
export class InFlight {
  readonly #limits: Limits;
  readonly #deadlines: Deadlines;
  readonly #window = new ConfirmWindow<Pending>();
  readonly #twins = new Twins();
  #held: Pending[] = [];
  #bytes = 0;

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits;
    this.#deadlines = new Deadlines(clock, (now) => this.#expire(now));
  }

  /** Number of publishes that wait for a confirm. */
  get unconfirmed(): number {
    return this.#window.size;
  }

  /** The sequence number of the publish that was written last, on the channel that is open now. */
  get lastWritten(): number {
    return this.#window.next - 1;
  }

  get held(): readonly Pending[] {
    return this.#held;
  }

  get empty(): boolean {
    return this.#window.size === 0 && this.#held.length === 0;
  }

  /** Why one more publish, of so many bytes, is too much; undefined when it is not. */
  refuse(length: number): BufferFullError | undefined {
    const { maxInFlight, maxInFlightBytes } = this.#limits;
    if (this.#window.size + this.#held.length >= maxInFlight) {
      return new BufferFullError(`${maxInFlight} publishes are in flight: await some of them first`);
    }
    if (this.#bytes > 0 && this.#bytes + length > maxInFlightBytes) {
      return new BufferFullError(
        `${this.#bytes} bytes are in flight, ${maxInFlightBytes} may be: await some publishes first`,
      );
    }
    return undefined;
  }

  /** Keeps a publish until it can be written. */
  hold(pending: Pending): void {
    this.#held.push(pending);
    this.#count(pending);
  }

  /** A publish that was never held was written. */
  wrote(pending: Pending): void {
    this.#count(pending);
    this.#push(pending);
  }

  #push(pending: Pending): void {
    this.#window.push(pending);
    if (pending.route.mandatory) this.#twins.add(pending);
  }

  /** Whether a mandatory publish has to wait, because one that cannot be told from it is in flight. */
  hasTwin(pending: Pending): boolean {
    return pending.route.mandatory === true && this.#twins.has(pending);
  }

  #count(pending: Pending): void {
    this.#bytes += pending.message.body.length;
    if (pending.deadline < Number.POSITIVE_INFINITY) this.#deadlines.add(pending.deadline);
  }

  /** Goes through the held ones in order until `write` says 'wait'; those written with 'sent' wait for their confirm. */
  release(write: (pending: Pending) => 'sent' | 'done' | 'wait'): void {
    let count = 0;
    for (const pending of this.#held) {
      const outcome = pending.ended ? 'done' : write(pending);
      if (outcome === 'wait') break;
      count++;
      if (outcome === 'sent') this.#push(pending);
      else this.#bytes -= pending.message.body.length;
    }
    if (count > 0) this.#held.splice(0, count);
  }

  /** The broker has answered: `taken`, or refused. */
  confirmed(tag: number, multiple: boolean, taken: boolean): void {
    this.#window.take(tag, multiple, taken ? this.#taken : this.#nacked);
  }

  readonly #taken = (pending: Pending): void => {
    this.#leave(pending);
    pending.done();
  };

  readonly #nacked = (pending: Pending): void => {
    this.#leave(pending);
    pending.fail(new OperationalError('NACKED', 'the broker could not take the message'));
  };

  /** The broker has sent a message back; false when it is not known which publish that was. */
  returned(method: Return, header: ContentHeader, body: Buffer): boolean {
    const found = this.#twins.find(method, header, body);
    if (found === undefined) return false;
    const where = `exchange "${method.exchange}" with routing key "${method.routingKey}"`;
    found.fail(new UndeliverableError('NO_ROUTE', `no queue takes a message to ${where} (${method.replyText})`));
    return true;
  }

  /** The AMQP channel is gone: takes out what was written on it, in order. */
  takeWritten(): Pending[] {
    const written = this.#window.clear();
    for (const pending of written) this.#leave(pending);
    return written;
  }

  #leave(pending: Pending): void {
    this.#bytes -= pending.message.body.length;
    if (pending.route.mandatory) this.#twins.remove(pending);
  }

  /** Puts publishes that were taken out before all others, to be written again. */
  holdAgain(again: readonly Pending[]): void {
    const alive = again.filter((pending) => !pending.ended);
    for (const pending of alive) {
      pending.sent = false;
      this.#bytes += pending.message.body.length;
    }
    this.#held = [...alive, ...this.#held];
  }

  /** Fails the held ones, or those of them that `which` chooses. */
  failHeld(error: KombuError, which: (pending: Pending) => boolean = () => true): void {
    for (const pending of this.#held) if (which(pending)) pending.fail(error);
    this.#dropEnded();
  }

  /** Fails everything: nothing is in flight any more. */
  end(error: KombuError): void {
    this.#deadlines.stop();
    for (const pending of [...this.#window.clear(), ...this.#held]) pending.fail(error);
    this.#held = [];
    this.#bytes = 0;
  }

  #expire(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    const look = (pending: Pending): void => {
      if (pending.ended) return;
      if (pending.deadline <= now) pending.expire();
      else if (pending.deadline < next) next = pending.deadline;
    };
    for (const pending of this.#held) look(pending);
    for (const [, pending] of this.#window.entries()) look(pending);
    this.#dropEnded();
    return next;
  }

  #dropEnded(): void {
    this.#held = this.#held.filter((pending) => {
      if (pending.ended) this.#bytes -= pending.message.body.length;
      return !pending.ended;
    });
  }
}
