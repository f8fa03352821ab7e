import { InvalidOptionError } from '../../errors/index.js';
import { checkOptionNames, flag, milliseconds, text } from '../../util/check-options.js';
import type { LamportClock } from '../clocks/lamport-clock.js';
import type { ProducerPool } from '../pools/producer-pool.js';
import type { Matcher } from './matcher.js';

/** What a {@link Mailbox} is made with. */
export interface MailboxOptions {
  /** Type of the exchange: `direct` (default), or `fanout`, which Celery uses. */
  readonly type?: string | undefined;
  /** Serializer of requests and replies. Default json. */
  readonly serializer?: string | undefined;
  /** The content types that are taken; see `ConsumerOptions.accept`. Default: what the serializer registry enables. */
  readonly accept?: readonly string[] | undefined;
  /** The logical clock that messages carry. Default: one of its own. */
  readonly clock?: LamportClock | undefined;
  /** Where it takes what publishes from. Default: the connection's default channel. */
  readonly producerPool?: ProducerPool | undefined;
  /** How long a request may wait for its node, in milliseconds. Default: for ever. */
  readonly queueTtlMs?: number | undefined;
  /** How long the queue of a node is kept without it, in milliseconds. Default: it goes away with the node. */
  readonly queueExpiresMs?: number | undefined;
  /** How long a reply may wait, in milliseconds. Default: for ever. */
  readonly replyQueueTtlMs?: number | undefined;
  /** How long a reply queue is kept when its call has died, in milliseconds. Default 10000. */
  readonly replyQueueExpiresMs?: number | undefined;
  /** Queues are for one connection only. Default false. */
  readonly queueExclusive?: boolean | undefined;
  /** Queues outlive a restart of the broker. Default false. */
  readonly queueDurable?: boolean | undefined;
}

/** Whom a command is for: everybody, unless one of these is given. */
export interface CommandOptions {
  /** A shell pattern or regular expression for the names of nodes. */
  readonly pattern?: string | undefined;
  /** How `pattern` is meant. Default `glob`. */
  readonly matcher?: Matcher | undefined;
  /** Serializer of the request. Default: that of the mailbox. */
  readonly serializer?: string | undefined;
  /** Ends the call with AbortedError. */
  readonly signal?: AbortSignal | undefined;
}

/** How replies are collected. */
export interface CallMailboxOptions extends CommandOptions {
  /** How long to wait for the next reply, in milliseconds; then that is all. Default 1000. */
  readonly timeoutMs?: number | undefined;
  /** How many replies are enough. Default: as many as there are destinations, else all that come in time. */
  readonly limit?: number | undefined;
  /** Gets each reply as it comes. */
  readonly callback?: ((reply: NodeReply) => void) | undefined;
}

/** A reply: the name of the node, and what its handler returned, or `{ error: text }` when it failed. */
export type NodeReply = Readonly<Record<string, unknown>>;

/** The names of {@link CommandOptions}. */
export const COMMAND_OPTION_NAMES: ReadonlySet<string> = new Set(['pattern', 'matcher', 'serializer', 'signal']);

/** The names of {@link CallMailboxOptions}. */
export const CALL_MAILBOX_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...COMMAND_OPTION_NAMES,
  'timeoutMs',
  'limit',
  'callback',
]);

const OPTIONS = new Set([
  'type',
  'serializer',
  'accept',
  'clock',
  'producerPool',
  'queueTtlMs',
  'queueExpiresMs',
  'replyQueueTtlMs',
  'replyQueueExpiresMs',
  'queueExclusive',
  'queueDurable',
]);
const REPLY_QUEUE_EXPIRES_MS = 10_000;

/** Checks the options of a mailbox and fills in the defaults. @throws InvalidOptionError */
export function resolveMailboxOptions(options: MailboxOptions) {
  checkOptionNames('Mailbox', options, OPTIONS);
  const exclusive = flag('Mailbox', 'queueExclusive', options.queueExclusive, false);
  const durable = flag('Mailbox', 'queueDurable', options.queueDurable, false);
  if (exclusive && durable) {
    throw new InvalidOptionError(
      "Mailbox: queues cannot be both exclusive and durable: 'queueExclusive', 'queueDurable'",
    );
  }
  return Object.freeze({
    ...options,
    type: text('Mailbox', 'type', options.type, 'direct'),
    serializer: text('Mailbox', 'serializer', options.serializer, 'json'),
    queueTtlMs: milliseconds('Mailbox', 'queueTtlMs', options.queueTtlMs),
    queueExpiresMs: milliseconds('Mailbox', 'queueExpiresMs', options.queueExpiresMs, 1),
    replyQueueTtlMs: milliseconds('Mailbox', 'replyQueueTtlMs', options.replyQueueTtlMs),
    replyQueueExpiresMs:
      milliseconds('Mailbox', 'replyQueueExpiresMs', options.replyQueueExpiresMs, 1) ?? REPLY_QUEUE_EXPIRES_MS,
    kind: exclusive ? { exclusive } : { durable, autoDelete: true },
  });
}
