import { hostname as machine } from 'node:os';
import type { Connection } from '../../connection/connection.js';
import { Exchange } from '../../entity/exchange.js';
import { Queue } from '../../entity/queue.js';
import { InvalidOptionError, NotBoundError } from '../../errors/index.js';
import type { PublishOptions } from '../../messaging/publish-options.js';
import { checkOptionNames } from '../../util/check-options.js';
import { uuid } from '../../util/id.js';
import { LamportClock } from '../clocks/lamport-clock.js';
import { oidFrom } from '../helpers/oid-from.js';
import { askNodes } from './ask.js';
import {
  CALL_MAILBOX_OPTION_NAMES,
  type CallMailboxOptions,
  COMMAND_OPTION_NAMES,
  type CommandOptions,
  type MailboxOptions,
  type NodeReply,
  resolveMailboxOptions,
} from './mailbox-options.js';
import { Node, type NodeOptions } from './node.js';

/** Arguments of a command. */
export type CommandArguments = Readonly<Record<string, unknown>>;

const CALL_TIMEOUT_MS = 1000;

/**
 * Remote control: commands for the processes ("nodes") of an application, with or without replies. Messages are those of
 * Kombu's pidbox: nodes and callers may be Python programs, such as the workers of Celery (namespace `celery`, type `fanout`).
 *
 * Names: the exchange `NAMESPACE.pidbox`, for each node a queue `HOSTNAME.NAMESPACE.pidbox`, for replies the exchange
 * `reply.NAMESPACE.pidbox` with a queue for each call.
 *
 * @example
 * ```ts
 * const mailbox = new Mailbox('shop', { type: 'fanout' }).bind(connection);
 * const node = mailbox.node('shop-1', { state: { orders: 7 }, handlers: { orders: (state) => state.orders } });
 * await node.listen();
 * await mailbox.multiCall('orders'); // [{ 'shop-1': 7 }]
 * ```
 * @throws InvalidOptionError for an unknown option or a value of the wrong kind.
 */
export class Mailbox {
  /** Name of the application. */
  readonly namespace: string;
  /** Type of the exchange. */
  readonly type: string;
  /** Where commands go. */
  readonly exchange: Exchange;
  /** Where replies go. */
  readonly replyExchange: Exchange;
  /** The logical clock that messages carry. */
  readonly clock: LamportClock;
  /** The serializer of requests and replies. */
  readonly serializer: string;
  /** The content types that are taken. */
  readonly accept: readonly string[] | undefined;
  readonly #given: MailboxOptions;
  readonly #options: ReturnType<typeof resolveMailboxOptions>;
  readonly #connection: Connection | undefined;

  constructor(namespace: string, options: MailboxOptions = {}, connection?: Connection) {
    if (typeof namespace !== 'string' || namespace === '')
      throw new InvalidOptionError('Mailbox: a namespace is needed');
    this.#options = resolveMailboxOptions(options);
    this.#given = options;
    this.#connection = connection;
    this.namespace = namespace;
    this.type = this.#options.type;
    this.serializer = this.#options.serializer;
    this.accept = options.accept;
    this.clock = options.clock ?? new LamportClock();
    const kind = { durable: false, deliveryMode: 'transient' } as const;
    this.exchange = new Exchange(`${namespace}.pidbox`, { type: this.type, ...kind });
    this.replyExchange = new Exchange(`reply.${namespace}.pidbox`, { type: 'direct', ...kind });
  }

  /** The same mailbox over this connection. The clock is shared. */
  bind(connection: Connection): Mailbox {
    return new Mailbox(this.namespace, { ...this.#given, clock: this.clock }, connection);
  }

  /** The connection that it is bound to. @throws NotBoundError when it is not. */
  get connection(): Connection {
    if (this.#connection === undefined) throw new NotBoundError('the mailbox is not bound: call bind(connection)');
    return this.#connection;
  }

  /** Names this mailbox among those of all processes. */
  get oid(): string {
    return oidFrom(this);
  }

  /** The queue of a node. */
  getQueue(hostname: string): Queue {
    const { kind, queueExpiresMs, queueTtlMs } = this.#options;
    return new Queue(`${hostname}.${this.namespace}.pidbox`, {
      exchange: this.exchange,
      ...kind,
      expiresMs: queueExpiresMs,
      messageTtlMs: queueTtlMs,
    });
  }

  /** A queue for replies. `oid` is its routing key and part of its name. */
  getReplyQueue(oid: string = this.oid): Queue {
    const { kind, replyQueueExpiresMs, replyQueueTtlMs } = this.#options;
    return new Queue(`${oid}.reply.${this.namespace}.pidbox`, {
      exchange: this.replyExchange,
      routingKey: oid,
      ...kind,
      expiresMs: replyQueueExpiresMs,
      messageTtlMs: replyQueueTtlMs,
    });
  }

  /** A node: a process that can be told what to do. Default name: that of the machine. */
  node<S = unknown>(hostname: string = machine(), options: NodeOptions<S> = {}): Node<S> {
    return new Node<S>(this, hostname, options);
  }

  /** Tells these nodes to do something. Resolves when the broker has the command. */
  async cast(
    destination: readonly string[],
    method: string,
    args?: CommandArguments,
    o: CommandOptions = {},
  ): Promise<void> {
    checkOptionNames('cast', o, COMMAND_OPTION_NAMES);
    return this.#send(method, args, checkedDestination(destination), o);
  }

  /** Tells all nodes (or those that match `pattern`) to do something. Resolves when the broker has the command. */
  async abcast(method: string, args?: CommandArguments, options: CommandOptions = {}): Promise<void> {
    checkOptionNames('abcast', options, COMMAND_OPTION_NAMES);
    return this.#send(method, args, undefined, options);
  }

  /** Asks these nodes. Resolves with their replies: as soon as all have come, or when none comes for `timeoutMs`. */
  async call(
    destination: readonly string[],
    method: string,
    args?: CommandArguments,
    options: CallMailboxOptions = {},
  ): Promise<NodeReply[]> {
    checkOptionNames('call', options, CALL_MAILBOX_OPTION_NAMES);
    const names = checkedDestination(destination);
    return this.#ask(method, args, names, { ...options, limit: options.limit ?? (names.length || undefined) });
  }

  /**
   * Asks all nodes (or those that match `pattern`). Resolves with their replies when none comes for `timeoutMs`, or when there
   * are `limit`.
   */
  async multiCall(method: string, args?: CommandArguments, options: CallMailboxOptions = {}): Promise<NodeReply[]> {
    checkOptionNames('multiCall', options, CALL_MAILBOX_OPTION_NAMES);
    return this.#ask(method, args, undefined, options);
  }

  async #ask(
    method: string,
    args: CommandArguments | undefined,
    destination: readonly string[] | undefined,
    options: CallMailboxOptions,
  ): Promise<NodeReply[]> {
    const ticket = uuid();
    const oid = uuid();
    const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
    return askNodes(this, this.getReplyQueue(oid), ticket, { ...options, timeoutMs }, (signal) =>
      this.#send(
        method,
        args,
        destination,
        { ...options, timeoutMs, signal },
        {
          ticket,
          reply_to: { exchange: this.replyExchange.name, routing_key: oid },
        },
      ),
    );
  }

  /** The members of the body and their order are Kombu's. */
  async #send(
    method: string,
    args: CommandArguments = {},
    destination: readonly string[] | undefined,
    options: CallMailboxOptions = {},
    reply: object = {},
  ): Promise<void> {
    const { pattern, serializer, signal, timeoutMs = CALL_TIMEOUT_MS } = options;
    const matcher = options.matcher ?? (pattern === undefined ? undefined : 'glob');
    const body = {
      method,
      arguments: args,
      destination: destination ?? null,
      pattern: pattern ?? null,
      matcher: matcher ?? null,
      ...reply,
    };
    const expires = this.connection.clock.now() / 1000 + timeoutMs / 1000;
    await this.publish(body, {
      exchange: this.exchange.name,
      declare: [this.exchange],
      headers: { clock: this.clock.forward(), expires },
      serializer: serializer ?? this.serializer,
      signal,
    });
  }

  /** Publishes by a producer of the pool, or on the default channel. @internal */
  async publish(body: unknown, options: PublishOptions): Promise<void> {
    const { producerPool } = this.#options;
    if (producerPool !== undefined) {
      await producerPool.use((producer) => producer.publish(body, options), { signal: options.signal });
    } else {
      await this.connection.defaultChannel.producer().publish(body, options);
    }
  }
}

function checkedDestination(destination: readonly string[]): readonly string[] {
  if (Array.isArray(destination) && destination.every((name) => typeof name === 'string')) return destination;
  throw new InvalidOptionError('the destination must be an array of the names of nodes');
}
