import { CALL_OPTION_NAMES } from '../../connection/call-options.js';
import type { Channel } from '../../connection/channel.js';
import type { CallOptions } from '../../connection/deadlines.js';
import { Exchange } from '../../entity/exchange.js';
import { InvalidOptionError } from '../../errors/index.js';
import { Consumer } from '../../messaging/consumer.js';
import type { ConsumerOptions } from '../../messaging/consumer-options.js';
import type { Message } from '../../messaging/message.js';
import { checkOptionNames } from '../../util/check-options.js';
import type { CommandArguments, Mailbox } from './mailbox.js';
import { matches } from './matcher.js';
import { type ControlRequest, type ReplyTo, readRequest } from './request.js';

/** Carries out a command; what it returns or resolves with is the reply, if one is wanted. */
export type NodeHandler<S = unknown> = (state: S, args: CommandArguments) => unknown;

/** What a {@link Node} is made with. */
export interface NodeOptions<S = unknown> {
  /** What handlers get, as it is. */
  readonly state?: S | undefined;
  /** The channel to listen on. Default: one of its own. */
  readonly channel?: Channel | undefined;
  /** Handlers by the names of their commands. */
  readonly handlers?: Readonly<Record<string, NodeHandler<S>>> | undefined;
}

/** How a node listens. */
export interface ListenOptions extends CallOptions {
  /** The channel to listen on. Default: that of the node. */
  readonly channel?: Channel | undefined;
  /** Gets each message instead of `handleMessage`. */
  readonly callback?: ((body: unknown, message: Message) => unknown) | undefined;
}

/** What is known of a command besides its name and arguments. */
export interface DispatchOptions {
  /** Where the reply is to go; undefined: nobody wants one. */
  readonly replyTo?: ReplyTo | undefined;
  /** What the caller recognises the reply by. */
  readonly ticket?: string | undefined;
}

const NODE_NAMES = new Set(['state', 'channel', 'handlers']);
const LISTEN_NAMES = new Set([...CALL_OPTION_NAMES, 'channel', 'callback']);
const DISPATCH_NAMES = new Set(['replyTo', 'ticket']);

/** How long a reply may take to be sent, in milliseconds. */
const REPLY_TIMEOUT_MS = 10_000;

/**
 * A process that can be told what to do. Made by `mailbox.node()`; it listens after `listen()`.
 *
 * Nothing that comes from outside stops it: a body that is none, an unknown command, a handler that fails (the caller gets
 * `{ error }`), a reply queue that is gone; all of it is logged.
 */
export class Node<S = unknown> {
  /** The mailbox that it is a node of. */
  readonly mailbox: Mailbox;
  /** Its name. */
  readonly hostname: string;
  /** Its handlers by the names of their commands. */
  readonly handlers: Map<string, NodeHandler<S>>;
  /** What handlers get. */
  state: S;
  #channel: Channel | undefined;

  /** @internal */
  constructor(mailbox: Mailbox, hostname: string, options: NodeOptions<S>) {
    checkOptionNames('node', options, NODE_NAMES);
    this.mailbox = mailbox;
    this.hostname = hostname;
    this.state = options.state as S;
    this.#channel = options.channel;
    this.handlers = new Map(Object.entries(options.handlers ?? {}));
  }

  /** The channel that it listens on. */
  get channel(): Channel {
    if (this.#channel === undefined || this.#channel.state === 'closed') {
      this.#channel = this.mailbox.connection.channel();
    }
    return this.#channel;
  }

  /** Adds a handler; without a name it is that of the function. */
  handler(name: string, fn: NodeHandler<S>): this;
  handler(fn: NodeHandler<S>): this;
  handler(nameOrFn: string | NodeHandler<S>, fn?: NodeHandler<S>): this {
    const [name, handler] = typeof nameOrFn === 'string' ? [nameOrFn, fn] : [nameOrFn.name, nameOrFn];
    if (name === '' || typeof handler !== 'function')
      throw new InvalidOptionError('handler: a name and a function are needed');
    this.handlers.set(name, handler);
    return this;
  }

  /** A consumer of its queue, which takes messages for good. */
  consumer({ channel = this.channel, ...options }: ConsumerOptions & { channel?: Channel } = {}): Consumer {
    return new Consumer(channel, {
      queues: [this.mailbox.getQueue(this.hostname)],
      noAck: true,
      accept: this.mailbox.accept,
      onDecodeError: (_message, error) => this.#log('a command cannot be decoded', error),
      ...options,
    });
  }

  /** Declares its queue and takes commands, until the consumer that it resolves with is cancelled or closed. */
  async listen(options: ListenOptions = {}): Promise<Consumer> {
    checkOptionNames('listen', options, LISTEN_NAMES);
    const { channel, callback, signal, timeoutMs } = options;
    const consumer = this.consumer({
      ...(channel === undefined ? {} : { channel }),
      onMessage: (message) =>
        callback === undefined ? this.handleMessage(message.payload, message) : callback(message.payload, message),
      onError: (error) => {
        this.#log('a command failed', error);
      },
    });
    await consumer.consume({ signal, timeoutMs });
    return consumer;
  }

  /** Carries a command out if it is for this node, and sends the reply. Never rejects. Resolves with the reply, if it did it. */
  async handleMessage(body: unknown, message?: Message): Promise<unknown> {
    const sent = message?.headers.clock;
    if (message !== undefined) this.mailbox.clock.adjust(typeof sent === 'number' ? sent : 0);
    const request = readRequest(body);
    if (request === undefined) {
      this.#log('a command has no method', undefined);
      return undefined;
    }
    try {
      if (!this.#isFor(request)) return undefined;
    } catch (error) {
      this.#log('the pattern of a command', error);
      return undefined;
    }
    return this.dispatch(request.method, request.arguments, { replyTo: request.replyTo, ticket: request.ticket });
  }

  /** The same as {@link Node.handleMessage}. */
  dispatchFromMessage(body: unknown, message?: Message): Promise<unknown> {
    return this.handleMessage(body, message);
  }

  #isFor({ destination, pattern, matcher }: ControlRequest): boolean {
    if (destination.length > 0) return destination.includes(this.hostname);
    if (pattern === undefined || matcher === undefined) return true;
    return matches(this.hostname, pattern, matcher);
  }

  /** Carries a command out and sends the reply, if one is wanted. What fails is the reply `{ error }`. @throws InvalidOptionError for an unknown option. */
  async dispatch(method: string, args: CommandArguments = {}, options: DispatchOptions = {}): Promise<unknown> {
    checkOptionNames('dispatch', options, DISPATCH_NAMES);
    const { replyTo, ticket } = options;
    let reply: unknown;
    try {
      reply = (await (replyTo === undefined ? this.handleCast(method, args) : this.handleCall(method, args))) ?? null;
    } catch (error) {
      this.#log(`the command '${method}' failed`, error);
      reply = { error: String(error) };
    }
    if (replyTo !== undefined) await this.reply({ [this.hostname]: reply }, replyTo, ticket);
    return reply;
  }

  /** Calls the handler of a command. @throws InvalidOptionError when there is none; what the handler throws. */
  handle(method: string, args: CommandArguments = {}): unknown {
    const handler = this.handlers.get(method);
    if (handler === undefined) throw new InvalidOptionError(`there is no command '${method}'`);
    return handler(this.state, args);
  }

  /** Calls the handler of a command whose caller wants a reply; to be overridden. */
  handleCall(method: string, args: CommandArguments): unknown {
    return this.handle(method, args);
  }

  /** Calls the handler of a command whose caller wants no reply; to be overridden. */
  handleCast(method: string, args: CommandArguments): unknown {
    return this.handle(method, args);
  }

  /** Sends a reply. Never rejects: one that nobody waits for any more, or that cannot be sent, is logged. */
  async reply(data: unknown, { exchange, routingKey }: ReplyTo, ticket?: string): Promise<void> {
    const { mailbox } = this;
    const target = new Exchange(exchange, { type: 'direct', durable: false, deliveryMode: 'transient' });
    try {
      await mailbox.publish(data, {
        exchange: target,
        routingKey,
        declare: target.isDeclarable ? [target] : [],
        headers: { ticket: ticket ?? null, clock: mailbox.clock.forward() },
        serializer: mailbox.serializer,
        retry: true,
        timeoutMs: REPLY_TIMEOUT_MS,
      });
    } catch (error) {
      this.#log('a reply could not be sent', error);
    }
  }

  #log(what: string, error: unknown): void {
    this.mailbox.connection.logger.warn(`node '${this.hostname}': ${what}`, error);
  }
}
