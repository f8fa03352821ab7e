import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import type { Emitter } from '../connection/events.js';
import { asKombuError } from '../connection/retry.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import { type ChannelOrConnection, isChannel } from '../entity/target.js';
import { AbortedError, ClosedError, InvalidOptionError, KombuError } from '../errors/index.js';
import { onAbort } from '../util/abort.js';
import type { ConsumerEvents, ResolvedConsumerOptions } from './consumer-options.js';
import { ConsumerRun } from './consumer-run.js';
import { DEFAULT_DRAIN_MS } from './drain-time.js';
import type { FailureHooks } from './failures.js';
import { MessageIterator } from './message-iterator.js';
import { Recovery } from './recovery.js';
import type { Subscription } from './subscription.js';

/** What a {@link Consumption} needs of its consumer. */
export interface ConsumptionHost {
  /** Its queues are to be used on this channel from now on. */
  moved(channel: Channel): void;
  /** Consumes from every queue that is not consumed from yet. */
  start(run: ConsumerRun): Promise<void>;
  /** The queue of that name, if it is one of the consumer's. */
  find(name: string): BoundQueue | undefined;
  /** Declares and consumes one queue. */
  restart(run: ConsumerRun, queue: BoundQueue, noAck: boolean): Promise<void>;
}

/**
 * The life of a consumer: its channel, the run on it, the loop over it if there is one, and the end of all that. A channel of
 * its own is opened when it is needed, and closed when a loop has ended and its last message is settled.
 */
export class Consumption<T> {
  readonly connection: Connection;
  readonly #options: ResolvedConsumerOptions;
  readonly #hooks: FailureHooks;
  readonly #events: Emitter<ConsumerEvents>;
  readonly #host: ConsumptionHost;
  readonly #recovery: Recovery;
  readonly #onAbort = (): void => {
    this.#aborted = new AbortedError('the consumer was aborted', { cause: this.#options.signal?.reason });
    this.#iterator?.end(this.#aborted);
    this.#background(this.close(DEFAULT_DRAIN_MS));
  };
  #ownership: 'own' | 'borrowed';
  #channel: Channel | undefined;
  #run: ConsumerRun | undefined;
  #iterator: MessageIterator<T> | undefined;
  #untrack = (): void => {};
  #unlisten = (): void => {};
  #prefetch: number;
  #flow: 'on' | 'off' = 'on';
  #closing: Promise<void> | undefined;
  #aborted: AbortedError | undefined;

  constructor(
    target: ChannelOrConnection,
    options: ResolvedConsumerOptions,
    hooks: FailureHooks,
    events: Emitter<ConsumerEvents>,
    host: ConsumptionHost,
  ) {
    this.#ownership = isChannel(target) ? 'borrowed' : 'own';
    this.#channel = isChannel(target) ? target : undefined;
    this.connection = isChannel(target) ? target.connection : target;
    this.#options = options;
    this.#hooks = hooks;
    this.#events = events;
    this.#host = host;
    this.#prefetch = options.prefetchCount;
    this.#recovery = new Recovery(this.connection.clock);
  }

  /** Closes it when its signal is aborted, or is already. */
  heedSignal(): void {
    const { signal } = this.#options;
    if (signal?.aborted) this.#onAbort();
    else if (signal !== undefined) this.#unlisten = onAbort(signal, this.#onAbort);
  }

  /** Throws when it is closed. */
  checkOpen(): void {
    if (this.#closing !== undefined) throw this.#aborted ?? new ClosedError('the consumer is closed');
  }

  get channel(): Channel {
    if (this.#channel === undefined) {
      this.checkOpen();
      this.#channel = this.connection.channel();
      this.#host.moved(this.#channel);
    }
    return this.#channel;
  }

  /** What runs, if anything does. */
  get running(): ConsumerRun | undefined {
    return this.#run;
  }

  get isIterated(): boolean {
    return this.#iterator !== undefined;
  }

  get prefetch(): number {
    return this.#prefetch;
  }

  /** The run on the current channel. */
  run(): ConsumerRun {
    this.checkOpen();
    if (this.#run !== undefined) return this.#run;
    const { channel } = this;
    const run = new ConsumerRun(channel, this.#options, this.#prefetch, this.#hooks, {
      cancelled: (subscription, error) => this.#cancelled(run, subscription, error),
      revived: (queue) => this.#events.emit('revived', { queue }),
    });
    if (this.#flow === 'off') run.intake.inbox.pause();
    this.#run = run;
    this.#untrack = this.connection.track({ close: (o) => this.close(o?.drainMs ?? DEFAULT_DRAIN_MS) });
    void channel.closed.then((error) => this.#channelEnded(run, error));
    return run;
  }

  async setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    await this.#run?.intake.setPrefetch(prefetch);
  }

  setFlow(flow: 'on' | 'off'): void {
    this.#flow = flow;
    if (flow === 'on') this.#run?.intake.inbox.resume();
    else this.#run?.intake.inbox.pause();
  }

  /** The broker has ended the consuming of a queue. One that others deleted is declared again and consumed after a while. */
  #cancelled(run: ConsumerRun, { queue: name, tag, noAck }: Subscription, error: KombuError): void {
    const queue = this.#host.find(name);
    if (queue !== undefined) run.forgetDeclaration(queue);
    this.#events.emit('cancelled', { queue: name, consumerTag: tag, error });
    if (queue !== undefined && this.#isRestorable(run, queue, error)) {
      this.#recovery.lost(name, () => this.#restore(run, queue, noAck, error));
    } else {
      this.#endLoopWithout(run, error);
    }
  }

  #isRestorable(run: ConsumerRun, { name, entity }: BoundQueue, error: KombuError): boolean {
    if (this.#run !== run || this.#closing !== undefined || !KombuError.is(error, 'ERR_KOMBU_NOT_FOUND')) return false;
    return this.#options.autoDeclare && !entity.noDeclare && !run.channel.wasDeletedHere(name);
  }

  async #restore(run: ConsumerRun, queue: BoundQueue, noAck: boolean, cause: KombuError): Promise<void> {
    if (!this.#isRestorable(run, queue, cause)) {
      this.#endLoopWithout(run, cause);
      return;
    }
    const { name } = queue;
    try {
      await this.#host.restart(run, queue, noAck);
      if (this.#recovery.has(name)) this.#events.emit('revived', { queue: queue.name });
      else await run.intake.end(queue.name); // It was cancelled meanwhile.
    } catch (thrown) {
      const error = asKombuError(thrown, `consuming queue '${name}' again`);
      if (error.retryable) {
        this.#recovery.lost(name, () => this.#restore(run, queue, noAck, cause));
      } else {
        this.connection.emitError(error);
        this.#endLoopWithout(run, error);
      }
    }
  }

  /** Does not consume from this queue, or any, again by itself. */
  giveUp(queue?: string): void {
    this.#recovery.forget(queue);
  }

  #endLoopWithout(run: ConsumerRun, error: KombuError): void {
    if (this.#iterator === undefined || run.intake.size > 0 || this.#recovery.size > 0) return;
    this.#iterator.end(error);
    this.#background(this.#loopEnded(run, this.#iterator));
  }

  /** A loop over the messages. It starts with its first turn. */
  iterate(): MessageIterator<T> {
    this.checkOpen();
    let run: ConsumerRun | undefined;
    const iterator: MessageIterator<T> = new MessageIterator<T>({
      start: async () => {
        if (this.#iterator !== undefined) throw new InvalidOptionError('the consumer is being iterated over already');
        run = this.run();
        this.#iterator = iterator;
        run.intake.inbox.onEmpty = undefined;
        run.pipe(iterator);
        await this.#host.start(run);
      },
      wanted: () => run?.intake.inbox.pump(),
      refuse: (message) => void run?.failures.refused(message),
      stop: async () => {
        if (run !== undefined) await this.#loopEnded(run, iterator);
      },
    });
    return iterator;
  }

  /** What was not handed over goes back; a channel of its own is closed once nothing is left on it to be settled. */
  async #loopEnded(run: ConsumerRun, iterator: MessageIterator<T>): Promise<void> {
    if (this.#iterator !== iterator) return;
    this.#iterator = undefined;
    this.#recovery.forget();
    run.pipe(undefined);
    try {
      await run.intake.endAll();
    } finally {
      run.giveBack();
      if (this.#ownership === 'own' && this.#closing === undefined && this.#run === run) this.#closeWhenEmpty(run);
    }
  }

  #closeWhenEmpty(run: ConsumerRun): void {
    const { inbox } = run.intake;
    const close = (): void => {
      if (this.#run !== run || this.#iterator !== undefined || inbox.waitingCount > 0) return;
      this.#leave();
      this.#background(run.channel.close());
    };
    inbox.onEmpty = close;
    if (inbox.heldCount === 0) close();
  }

  /** What nobody waits for tells the connection when it fails. */
  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.connection.emitError(error));
  }

  /** Has nothing to do any more with its run and, if it is its own, its channel. */
  #leave(): void {
    this.#run = undefined;
    if (this.#ownership === 'own') this.#channel = undefined;
    this.#recovery.forget();
    this.#untrack();
  }

  /** Somebody closed the channel, or it cannot come back. */
  #channelEnded(run: ConsumerRun, error: KombuError | undefined): void {
    if (this.#run !== run || this.#closing !== undefined) return;
    this.#leave();
    run.abandon();
    const iterator = this.#iterator;
    this.#iterator = undefined;
    iterator?.end(error);
    this.#events.emit('closed', { error });
  }

  /** Goes on with another channel. */
  revive(channel: Channel): void {
    this.checkOpen();
    const run = this.#run;
    this.#leave();
    run?.abandon();
    this.#iterator?.end();
    this.#iterator = undefined;
    this.#ownership = 'borrowed';
    this.#channel = channel;
    this.#host.moved(channel);
  }

  /** Ends everything, once. A handler that calls it is not waited for. */
  close(drainMs: number): Promise<void> {
    this.#run?.exemptCaller();
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    await undefined; // From here on `checkOpen` refuses.
    this.#recovery.forget();
    this.#unlisten();
    this.#iterator?.end();
    this.#iterator = undefined;
    try {
      if (this.#run !== undefined) await this.#run.close(drainMs, this.#ownership === 'own');
      else if (this.#ownership === 'own') await this.#channel?.close();
    } finally {
      this.#untrack();
      this.#events.emit('closed', { error: undefined });
    }
  }
}
