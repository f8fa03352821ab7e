import type { Channel } from '../connection/channel.js';
import { type CallOptions, withDeadline } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import { uuid } from '../util/id.js';
import { Admission } from './admission.js';
import type { ResolvedConsumerOptions } from './consumer-options.js';
import { type FailureHooks, Failures } from './failures.js';
import { HandlerRunner } from './handler-runner.js';
import type { Sink } from './inbox.js';
import { Intake, type IntakeEvents } from './intake.js';
import type { Message } from './message.js';
import { release } from './subscription.js';

/** The options of a consumer that matter while it runs. */
export type RunOptions = Pick<
  ResolvedConsumerOptions,
  'accept' | 'noAck' | 'autoDeclare' | 'exclusive' | 'noLocal' | 'tagPrefix' | 'schema'
> & {
  /** The tag itself, where there is just one. */
  readonly consumerTag?: string | undefined;
};

/** Nobody takes messages yet, or any more. */
const NOBODY: Sink = { ready: false, take() {}, refuse() {} };

/** A consumer at work on one channel: what it consumes, the messages in its hands, and who handles them. */
export class ConsumerRun {
  readonly channel: Channel;
  readonly intake: Intake;
  readonly failures: Failures;
  readonly #admission: Admission;
  readonly #options: RunOptions;
  readonly #declared = new WeakSet<BoundQueue>();
  readonly #lost = new WeakSet<BoundQueue>();
  readonly #id = uuid().slice(0, 8);
  #runner: HandlerRunner | undefined;
  #tags = 0;

  constructor(channel: Channel, options: RunOptions, prefetch: number, hooks: FailureHooks, events: IntakeEvents) {
    const { connection } = channel;
    this.channel = channel;
    this.#options = options;
    this.#admission = new Admission(options.accept, connection.codec);
    this.failures = new Failures(connection, hooks);
    this.intake = new Intake(channel, this.#admission, NOBODY, this.failures, prefetch, events);
  }

  /** Gives messages to `handler`, to so many at a time. */
  handle(handler: (message: Message) => unknown, concurrency: number): void {
    if (this.#runner !== undefined) return;
    this.#runner = new HandlerRunner(handler, this.failures, concurrency);
    this.#runner.onReady = () => this.intake.inbox.pump();
    this.intake.inbox.setSink(this.#runner);
  }

  /** Gives messages to `sink`; undefined: to nobody. */
  pipe(sink: Sink | undefined): void {
    this.intake.inbox.setSink(sink ?? NOBODY);
  }

  setConcurrency(concurrency: number): void {
    this.#runner?.setConcurrency(concurrency);
  }

  /** Declares and consumes what is not consumed yet: all of it, or nothing. */
  async start(queues: readonly BoundQueue[], noAck: boolean | undefined, call?: CallOptions): Promise<void> {
    const { clock } = this.channel.connection;
    await withDeadline(call, clock, 'consume', async (signal) => {
      const o: CallOptions = signal === undefined ? {} : { signal };
      await this.#admission.prepare();
      const started: string[] = [];
      try {
        for (const queue of queues) {
          if (queue.name !== '' && this.intake.has(queue.name)) continue;
          await this.#declare(queue, o);
          await this.intake.subscribe(queue, this.#subscribeOptions(queue, noAck), o);
          started.push(queue.name);
        }
      } catch (error) {
        await Promise.allSettled(started.map((name) => this.intake.end(name)));
        throw error;
      }
    });
  }

  async #declare(queue: BoundQueue, o: CallOptions): Promise<void> {
    if (!this.#options.autoDeclare || this.#declared.has(queue)) return;
    // A server-named queue that has a name was declared before; declaring it again would make another one.
    if (!queue.isServerNamed || this.#lost.has(queue)) await queue.declare(o);
    this.#declared.add(queue);
  }

  /** This queue may be gone: it has to be declared again when it is consumed again. */
  forgetDeclaration(queue: BoundQueue): void {
    this.#declared.delete(queue);
    this.#lost.add(queue);
  }

  #subscribeOptions(queue: BoundQueue, noAck: boolean | undefined) {
    this.#tags++;
    return {
      tag: this.#options.consumerTag ?? `${this.#options.tagPrefix}${this.#id}.${this.#tags}`,
      noAck: noAck ?? this.#options.noAck ?? queue.entity.noAck,
      exclusive: this.#options.exclusive,
      noLocal: this.#options.noLocal,
      schema: this.#options.schema ?? queue.entity.schema,
    };
  }

  /** The handler that calls this, if it is one of these, will not be waited for. */
  exemptCaller(): void {
    this.#runner?.exemptCaller();
  }

  /**
   * Ends everything: no more deliveries, then running handlers get `drainMs` to finish, then what is not settled goes back to
   * its queue, then the channel is closed if it is the consumer's own.
   */
  async close(drainMs: number, closeChannel: boolean): Promise<void> {
    const ended = this.intake.endAll().catch(() => {}); // What is lost with its link needs no cancelling.
    await this.#within(Math.max(drainMs, CANCEL_MS), ended);
    if (this.#runner !== undefined) await this.#within(drainMs, this.#runner.idle());
    this.failures.flush();
    // Somebody has looked at these: they go back as redelivered.
    for (const message of this.intake.inbox.forget(unsettled)) void message.requeue();
    if (closeChannel) await this.channel.close();
  }

  /** The channel is gone, and everything that was on it. */
  abandon(): void {
    this.pipe(undefined);
    this.intake.inbox.withdraw(() => true);
    this.failures.drop(this.intake.inbox.forget(() => true));
  }

  /** Gives back what waits, once nothing more comes. */
  giveBack(): void {
    for (const message of this.intake.inbox.withdraw(unsettled)) release(message);
  }

  async #within(ms: number, work: Promise<void>): Promise<void> {
    const { clock } = this.channel.connection;
    let cancel = (): void => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = clock.after(ms, resolve);
    });
    await Promise.race([work, timeout]);
    cancel();
  }
}

/** How long a broker may take to end a consumer before it is closed without. */
const CANCEL_MS = 5000;

const unsettled = (message: Message): boolean => !message.owner.noAck;
