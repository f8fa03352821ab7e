import { CALL_OPTION_NAMES } from '../connection/call-options.js';
import type { CallOptions } from '../connection/deadlines.js';
import type { BoundQueue } from '../entity/bound-queue.js';
import type { Queue } from '../entity/queue.js';
import type { KombuError } from '../errors/index.js';
import type { StandardSchema } from '../schema/standard-schema.js';
import type { Message } from './message.js';

/** Gets each message. It may return a promise; what it returns or resolves with is ignored. */
export type MessageHandler<T = unknown> = (message: Message<T>) => unknown;

/** Gets the decoded body of each message, and the message. It may return a promise. */
export type MessageCallback<T = unknown> = (body: T, message: Message<T>) => unknown;

/** What becomes of a message whose handler failed; undefined: it is requeued after a while. */
export type FailureOutcome = 'ack' | 'requeue' | 'reject' | undefined;

/** A queue whose payloads are `T`, or one that does not say what its payloads are. */
export type ConsumableQueue<T> = Queue<T> | BoundQueue<T> | Queue | BoundQueue;

/** What a {@link Consumer} is made with. */
export interface ConsumerOptions<T = unknown> {
  /** The queues to consume from: one or several. */
  queues?: ConsumableQueue<T> | readonly ConsumableQueue<T>[] | undefined;
  /** Gets each message. With it, `callbacks` are not called. */
  onMessage?: MessageHandler<T> | undefined;
  /** Called one after the other for each message. */
  callbacks?: readonly MessageCallback<T>[] | undefined;
  /**
   * The content types that are taken: names of serializers or MIME types; text, raw bytes and bodies without a type always are.
   * Unset: what the serializer registry enables. `'any'`: everything, with bodies as they came, neither checked nor decompressed.
   */
  accept?: readonly string[] | 'any' | undefined;
  /** Messages count as done when they are delivered: nothing limits how many wait here then. Default: as the queue says. */
  noAck?: boolean | undefined;
  /** Whether `consume` declares the queues, with their exchanges and bindings, first. Default true. */
  autoDeclare?: boolean | undefined;
  /** How many unsettled messages the consumer holds, over all its queues together. Default 50; 0: no limit. */
  prefetchCount?: number | undefined;
  /** How many handlers run at a time. Default: `prefetchCount`. 1: strictly one after another. */
  concurrency?: number | undefined;
  /** The only consumer of its queues. Default false. */
  exclusive?: boolean | undefined;
  /** Not what was published over the same connection, where the broker can tell. Default false. */
  noLocal?: boolean | undefined;
  /** Gets messages that may not be decoded (ContentDisallowed) or cannot be. Default: they are rejected, not requeued. */
  onDecodeError?: ((message: Message<T>, error: KombuError) => unknown) | undefined;
  /**
   * Decides what becomes of a message whose handler threw or rejected. No answer: it is requeued after 1 s, growing to 60 s
   * while it keeps failing. Also told of settlements that failed after their promise had resolved (LEASE_LOST).
   */
  onError?:
    | ((error: unknown, message: Message<T>) => FailureOutcome | Promise<FailureOutcome>)
    | ((error: unknown, message: Message<T>) => void)
    | undefined;
  /** A Standard Schema of the payloads; what does not match goes to `onDecodeError`. Default: that of the queue, if any. */
  schema?: StandardSchema | undefined;
  /** What its consumer tags begin with. Default `kombu-`. */
  tagPrefix?: string | undefined;
  /** Closes the consumer when aborted. */
  signal?: AbortSignal | undefined;
}

/** How {@link Consumer.consume} starts. */
export interface ConsumeOptions extends CallOptions {
  /** Messages count as done when they are delivered. Default: as the consumer or the queue says. */
  noAck?: boolean | undefined;
}

/** How {@link Consumer.close} ends. */
export interface CloseOptions {
  /** How long running handlers may take, in milliseconds. Default 30000. */
  drainMs?: number | undefined;
}

/** What {@link Consumer.qos} changes. */
export interface QosOptions {
  /** How many unsettled messages the consumer holds; 0: no limit. */
  prefetchCount: number;
  /** All consumers of the channel together, too, where the transport can. Default false. */
  global?: boolean | undefined;
}

/** The names of the {@link ConsumerOptions} that the consumer of a single bound queue takes, too. */
export const QUEUE_CONSUMER_OPTION_NAMES = [
  'accept',
  'noAck',
  'prefetchCount',
  'concurrency',
  'exclusive',
  'noLocal',
  'onDecodeError',
  'onError',
  'schema',
] as const satisfies readonly (keyof ConsumerOptions)[];

/** The names of {@link ConsumerOptions}. */
export const CONSUMER_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...QUEUE_CONSUMER_OPTION_NAMES,
  'queues',
  'onMessage',
  'callbacks',
  'autoDeclare',
  'tagPrefix',
  'signal',
]);

/** The names of {@link ConsumeOptions}. */
export const CONSUME_OPTION_NAMES: ReadonlySet<string> = new Set([...CALL_OPTION_NAMES, 'noAck']);

/** The names of {@link CloseOptions}. */
export const CLOSE_OPTION_NAMES: ReadonlySet<string> = new Set(['drainMs']);

/** The names of {@link QosOptions}. */
export const QOS_OPTION_NAMES: ReadonlySet<string> = new Set(['prefetchCount', 'global']);

/** The events of a {@link Consumer}. */
export interface ConsumerEvents {
  /** The broker ended the consuming of a queue, for example because the queue was deleted. `revived` tells when it goes on. */
  cancelled: { readonly queue: string; readonly consumerTag: string; readonly error: KombuError };
  /** A handler failed, or a settlement did after its promise had resolved. */
  error: { readonly error: unknown; readonly message: Message };
  /** A queue is consumed from again: over a new link, or declared anew. */
  revived: { readonly queue: string };
  /** It will not deliver any more; with an error when its channel ended by itself. */
  closed: { readonly error: KombuError | undefined };
}

/** Checked and filled in. */
export interface ResolvedConsumerOptions {
  readonly accept: readonly string[] | 'any' | undefined;
  readonly noAck: boolean | undefined;
  readonly autoDeclare: boolean;
  readonly prefetchCount: number;
  readonly concurrency: number | undefined;
  readonly exclusive: boolean;
  readonly noLocal: boolean;
  readonly tagPrefix: string;
  readonly schema: StandardSchema | undefined;
  readonly signal: AbortSignal | undefined;
}
