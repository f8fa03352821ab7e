import { CALL_OPTION_NAMES } from '../connection/call-options.js';
import type { CallOptions } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import { InvalidOptionError } from '../errors/index.js';
import { checkOptionNames } from '../util/check-options.js';
import { type ConsumerOptions, type MessageHandler, QUEUE_CONSUMER_OPTION_NAMES } from './consumer-options.js';
import { ConsumerRun } from './consumer-run.js';
import { DEFAULT_DRAIN_MS } from './drain-time.js';
import { hooksOf } from './failures.js';
import { resolveConsumerOptions } from './resolve-consumer-options.js';

/** How a bound queue is consumed. */
export interface QueueConsumeOptions<T = unknown>
  extends CallOptions,
    Pick<
      ConsumerOptions<T>,
      | 'accept'
      | 'noAck'
      | 'prefetchCount'
      | 'concurrency'
      | 'exclusive'
      | 'noLocal'
      | 'onDecodeError'
      | 'onError'
      | 'schema'
    > {
  /** Gets each message. */
  onMessage: MessageHandler<T>;
  /** Names the consumer on its channel. Default: a name of its own. */
  consumerTag?: string | undefined;
}

const NAMES = new Set<string>([...CALL_OPTION_NAMES, ...QUEUE_CONSUMER_OPTION_NAMES, 'onMessage', 'consumerTag']);

/** The consumers that `BoundQueue.consume` started. */
export class QueueConsumers<T> {
  readonly #queue: BoundQueue<T>;
  readonly #runs = new Map<string, { readonly run: ConsumerRun; readonly untrack: () => void }>();

  constructor(queue: BoundQueue<T>) {
    this.#queue = queue;
  }

  /** Starts one; resolves with its tag. The queue is not declared. */
  async start(given: QueueConsumeOptions<T>): Promise<string> {
    checkOptionNames('consume', given, NAMES);
    const { consumerTag, timeoutMs, ...options } = given;
    if (typeof options.onMessage !== 'function')
      throw new InvalidOptionError(`consume: 'onMessage' must be a function`);
    if (consumerTag !== undefined && this.#runs.has(consumerTag)) {
      throw new InvalidOptionError(`consume: there is a consumer '${consumerTag}' on this queue already`);
    }
    const resolved = resolveConsumerOptions(options);
    const { channel } = this.#queue;
    const { prefetchCount } = resolved;
    const run = new ConsumerRun(
      channel,
      { ...resolved, autoDeclare: false, consumerTag },
      prefetchCount,
      hooksOf(options),
      { cancelled: ({ tag }) => this.#forget(tag), revived: () => {} },
    );
    run.handle(
      options.onMessage as MessageHandler,
      resolved.concurrency ?? (prefetchCount || Number.POSITIVE_INFINITY),
    );
    await run.start([this.#queue as BoundQueue], undefined, { signal: options.signal, timeoutMs });
    const tag = run.intake.tagOf(this.#queue.name) ?? '';
    const untrack = channel.connection.track({
      close: (o) => {
        run.exemptCaller();
        return run.close(o?.drainMs ?? DEFAULT_DRAIN_MS, false);
      },
    });
    this.#runs.set(tag, { run, untrack });
    void channel.closed.then(() => {
      run.abandon();
      this.#forget(tag);
    });
    return tag;
  }

  #forget(tag: string): void {
    this.#runs.get(tag)?.untrack();
    this.#runs.delete(tag);
  }

  /** Ends the one with this tag; another's tag is the channel's business. */
  async cancel(consumerTag: string): Promise<void> {
    const run = this.#runs.get(consumerTag)?.run;
    this.#forget(consumerTag);
    if (run === undefined) await this.#queue.channel.cancel(consumerTag);
    else await run.intake.endAll();
  }
}
