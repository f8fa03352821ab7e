import type { Admission } from './admission.js';
import type { Message } from './message.js';
import { MessageList } from './message-list.js';

/** Who gets the messages of an inbox, one at a time. */
export interface Sink {
  /** Whether it takes one more right now. */
  readonly ready: boolean;
  /** Hands a message over. Must not throw. */
  take(message: Message): void;
  /** Hands over a message that may not or cannot be decoded. Must not throw. */
  refuse(message: Message): void;
}

/**
 * The messages of a consumer between their delivery and the end of their life: those that wait until the sink takes one more,
 * in the order of their delivery, and those that were handed over and are not settled.
 *
 * No more than `limit` are handed over and unsettled at a time, over all queues together; where the consumer has one queue the
 * broker keeps that limit by itself.
 */
export class Inbox {
  readonly #admission: Admission;
  #sink: Sink;
  readonly #waiting = new MessageList();
  readonly #held = new MessageList();
  /** Those that wait for their decompression. */
  readonly #unready = new Set<Message>();
  #limit: number;
  #state: 'open' | 'paused' = 'open';
  #pump: 'idle' | 'running' | 'scheduled' = 'idle';
  /** Called when the last message that was handed over is settled and none waits. */
  onEmpty: (() => void) | undefined = undefined;

  constructor(admission: Admission, sink: Sink, limit: number) {
    this.#admission = admission;
    this.#sink = sink;
    this.#limit = limit;
  }

  /** How many were handed over and are not settled. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** How many wait to be handed over. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Changes who gets the messages. */
  setSink(sink: Sink): void {
    this.#sink = sink;
  }

  /** Changes how many may be handed over and unsettled; 0: no limit. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.pump();
  }

  /** Hands nothing over until `resume`. */
  pause(): void {
    this.#state = 'paused';
  }

  resume(): void {
    this.#state = 'open';
    this.pump();
  }

  /** Takes a delivery in, and hands it over at once where nothing is in the way. */
  deliver(message: Message): void {
    const admitting = this.#admission.admit(message);
    if (admitting !== undefined) {
      this.#waiting.push(message);
      this.#await(message, admitting);
      return;
    }
    if (this.#waiting.size > 0 || this.#pump === 'running' || !this.#mayHandOver(message)) {
      this.#waiting.push(message);
      this.pump();
      return;
    }
    this.#pump = 'running';
    this.#handOver(message);
    this.#pump = 'idle';
    if (this.#waiting.size > 0) this.pump();
  }

  #await(message: Message, admitting: Promise<void>): void {
    this.#unready.add(message);
    void admitting.then(() => {
      this.#unready.delete(message);
      this.pump();
    });
  }

  #mayHandOver(message: Message): boolean {
    if (this.#state === 'paused' || (this.#limit > 0 && this.#held.size >= this.#limit)) return false;
    return this.#sink.ready || message.failure !== undefined;
  }

  #handOver(message: Message): void {
    if (!message.owner.noAck) this.#held.push(message);
    if (message.failure === undefined) this.#sink.take(message);
    else this.#sink.refuse(message);
  }

  /** Hands over what can be handed over. */
  pump(): void {
    if (this.#pump === 'running') return;
    this.#pump = 'running';
    for (;;) {
      const message = this.#waiting.first;
      if (message === undefined || (this.#unready.size > 0 && this.#unready.has(message))) break;
      if (!this.#mayHandOver(message)) break;
      this.#waiting.remove(message);
      this.#handOver(message);
    }
    this.#pump = 'idle';
  }

  /** A message that was handed over was settled; with `multiple` so were all that were handed over before it. */
  settled(message: Message, multiple: boolean): void {
    if (multiple && this.#held.has(message)) this.#markBefore(message);
    if (!this.#held.remove(message)) return;
    if (this.#waiting.size > 0) {
      if (this.#pump === 'idle') this.#schedule();
    } else if (this.#held.size === 0) {
      this.onEmpty?.();
    }
  }

  #markBefore(message: Message): void {
    while (this.#held.first !== message) this.#held.shift()?.mark('acked');
  }

  /** Not at once: the caller is in the middle of settling. */
  #schedule(): void {
    this.#pump = 'scheduled';
    queueMicrotask(() => this.pump());
  }

  /** Takes those that wait out of the queue, oldest first: they will not be handed over. */
  withdraw(wanted: (message: Message) => boolean): Message[] {
    return this.#waiting.take(wanted);
  }

  /** Forgets those that were handed over: they no longer count, and what settles them is up to the channel. */
  forget(wanted: (message: Message) => boolean): Message[] {
    const forgotten = this.#held.take(wanted);
    this.pump();
    return forgotten;
  }
}
