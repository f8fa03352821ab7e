import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import type { Emitter } from '../connection/events.js';
import { type ChannelOrConnection, isChannel } from '../entity/target.js';
import { AbortedError, ClosedError, InvalidOptionError, type KombuError } from '../errors/index.js';
import type { ConsumerEvents, ResolvedConsumerOptions } from './consumer-options.js';
import { ConsumerRun } from './consumer-run.js';
import type { FailureHooks } from './failures.js';
import { MessageIterator } from './message-iterator.js';

/** What a {@link Consumption} needs of its consumer. */
export interface ConsumptionHost {
  /** Its queues are to be used on this channel from now on. */
  moved(channel: Channel): void;
  /** Consumes from every queue that is not consumed from yet. */
  start(run: ConsumerRun): Promise<void>;
  /** The broker has ended the consuming of this queue. */
  cancelled(queue: string): void;
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
  readonly #onAbort = (): void => {
    this.#iterator?.end(new AbortedError('the consumer was aborted', { cause: this.#options.signal?.reason }));
    void this.close(DEFAULT_DRAIN_MS);
  };
  #ownership: 'own' | 'borrowed';
  #channel: Channel | undefined;
  #run: ConsumerRun | undefined;
  #iterator: MessageIterator<T> | undefined;
  #untrack = (): void => {};
  #prefetch: number;
  #flow: 'on' | 'off' = 'on';
  #closing: Promise<void> | undefined;

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
    const { signal } = options;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  /** Throws when it is closed. */
  checkOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the consumer is closed');
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
      cancelled: (queue, consumerTag, error) => this.#cancelled(run, queue, consumerTag, error),
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

  #cancelled(run: ConsumerRun, queue: string, consumerTag: string, error: KombuError): void {
    this.#host.cancelled(queue);
    this.#events.emit('cancelled', { queue, consumerTag, error });
    if (this.#iterator !== undefined && run.intake.size === 0) {
      this.#iterator.end(error);
      void this.#loopEnded(run, this.#iterator);
    }
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
    run.pipe(undefined);
    try {
      await run.intake.endAll();
    } finally {
      run.giveBack();
      if (this.#closing === undefined && this.#run === run) this.#leaveWhenEmpty(run);
    }
  }

  #leaveWhenEmpty(run: ConsumerRun): void {
    const { inbox } = run.intake;
    const own = this.#ownership === 'own';
    const close = (): void => {
      if (this.#run !== run || this.#iterator !== undefined || inbox.waitingCount > 0) return;
      this.#leave();
      if (own) void run.channel.close();
    };
    inbox.onEmpty = close;
    if (inbox.heldCount === 0) close();
  }

  /** Has nothing to do any more with its run and, if it is its own, its channel. */
  #leave(): void {
    this.#run = undefined;
    if (this.#ownership === 'own') this.#channel = undefined;
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
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
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

/** How long running handlers may take when the consumer is closed. */
export const DEFAULT_DRAIN_MS = 30_000;
