import type { Channel } from '../connection/channel.js';
import { type CallOptions, withDeadline } from '../connection/deadlines.js';
import { type GetOptions, getMessage } from '../messaging/get-message.js';
import type { Message } from '../messaging/message.js';
import { type QueueConsumeOptions, QueueConsumers } from '../messaging/queue-consumers.js';
import type { QueueInfo } from '../transport/channel.js';
import { checkOptionNames } from '../util/check-options.js';
import { frozenArguments } from './arguments.js';
import { BIND_EXCHANGE_OPTION_NAMES, type BindExchangeOptions, BoundExchange } from './bound-exchange.js';
import type { Exchange } from './exchange.js';
import { callOptions, NOWAIT_OPTION_NAMES, type NowaitOptions, unlessNowait } from './nowait.js';
import type { Queue } from './queue.js';

/** How a queue is declared. */
export interface DeclareQueueOptions extends CallOptions, NowaitOptions {
  /** Only check that it is there: ChannelError NOT_FOUND when not. Default false. */
  passive?: boolean | undefined;
}

/** How a queue is deleted. */
export interface DeleteQueueOptions extends CallOptions, NowaitOptions {
  /** ChannelError PRECONDITION_FAILED when it has consumers. Default false. */
  ifUnused?: boolean | undefined;
  /** ChannelError PRECONDITION_FAILED when there are messages in it. Default false. */
  ifEmpty?: boolean | undefined;
}

const DECLARE_NAMES = new Set([...NOWAIT_OPTION_NAMES, 'passive']);
const DELETE_NAMES = new Set([...NOWAIT_OPTION_NAMES, 'ifUnused', 'ifEmpty']);
const UNBIND_NAMES = new Set([...NOWAIT_OPTION_NAMES, 'arguments']);

/** A {@link Queue} on a channel. Made by `queue.bind(channelOrConnection)`. `T` is the type that payloads are taken to be. */
export class BoundQueue<T = unknown> {
  /** The declaration. */
  readonly entity: Queue<T>;
  /** The channel that it works on. */
  readonly channel: Channel;
  #name: string;
  #consumers: QueueConsumers<T> | undefined;

  /** @internal */
  constructor(entity: Queue<T>, channel: Channel, name = entity.name) {
    this.entity = entity;
    this.channel = channel;
    this.#name = name;
  }

  /** Its name; that of a server-named queue once it is declared. */
  get name(): string {
    return this.#name;
  }

  /** The exchange that it is bound to, on the same channel. */
  get exchange(): BoundExchange {
    return new BoundExchange(this.entity.exchange, this.channel);
  }

  /** The binding key. */
  get routingKey(): string {
    return this.entity.routingKey;
  }

  /** The same queue, under the same name, on another channel. */
  rebind(channel: Channel): BoundQueue<T> {
    return new BoundQueue<T>(this.entity, channel, this.#name);
  }

  /** Whether the broker has chosen its name. */
  get isServerNamed(): boolean {
    return this.entity.name === '' && this.#name !== '';
  }

  /**
   * Declares its exchange, the queue, and its bindings with their exchanges; resolves with its name. With `noDeclare` it does
   * nothing, with `passive` it only checks that exchange and queue are there.
   * @throws ChannelError PRECONDITION_FAILED when it exists and is different, NOT_FOUND when passive and missing.
   */
  async declare(options: DeclareQueueOptions = {}): Promise<string> {
    checkOptionNames('declare', options, DECLARE_NAMES);
    if (this.entity.noDeclare) return this.#name;
    const { clock } = this.channel.connection;
    const declaring = withDeadline(options, clock, `declaring queue '${this.#name}'`, async (signal) => {
      const call = callOptions({ signal });
      const passive = options.passive === true;
      await this.exchange.declare({ ...call, ...(passive ? { passive } : {}) });
      await this.queueDeclare({ ...call, passive });
      if (!passive) await this.#bindAll(call);
    });
    await unlessNowait(this.channel, options, declaring, undefined);
    return this.#name;
  }

  async #bindAll(call: CallOptions): Promise<void> {
    await this.queueBind(call);
    for (const { exchange, routingKey, arguments: args } of this.entity.bindings) {
      await new BoundExchange(exchange, this.channel).declare(call);
      await this.bindTo(exchange, { ...call, routingKey, arguments: args });
    }
  }

  /** Declares the queue alone. A server-named queue gets another name each time. */
  async queueDeclare(options: DeclareQueueOptions = {}): Promise<QueueInfo> {
    checkOptionNames('queueDeclare', options, DECLARE_NAMES);
    const spec = this.entity.toSpec();
    const known = { queue: this.#name, messageCount: 0, consumerCount: 0 };
    if (this.entity.noDeclare && !options.passive) return known;
    const asked = options.passive ? { ...spec, name: this.#name, passive: true } : spec;
    const declaring = this.channel.declareQueue(asked, callOptions(options)).then((info) => {
      this.#name = info.queue;
      this.entity.onDeclared?.(info.queue, info.messageCount, info.consumerCount);
      return info;
    });
    return unlessNowait(this.channel, options, declaring, known);
  }

  /** Binds it to its exchange. The default exchange needs no binding. */
  async queueBind(options: CallOptions & NowaitOptions = {}): Promise<void> {
    checkOptionNames('queueBind', options, NOWAIT_OPTION_NAMES);
    const { exchange, routingKey, bindingArguments } = this.entity;
    if (exchange.name === '') return;
    await this.bindTo(exchange, { ...options, routingKey, arguments: bindingArguments });
  }

  /** Takes the binding to its exchange back. */
  async queueUnbind(
    options: CallOptions & NowaitOptions & { arguments?: Readonly<Record<string, unknown>> | undefined } = {},
  ): Promise<void> {
    checkOptionNames('queueUnbind', options, UNBIND_NAMES);
    const { exchange, routingKey, bindingArguments } = this.entity;
    if (exchange.name === '') return;
    await this.unbindFrom(exchange, { ...options, routingKey, arguments: options.arguments ?? bindingArguments });
  }

  /** Binds it to another exchange. */
  async bindTo(exchange: Exchange | BoundExchange | string, options: BindExchangeOptions = {}): Promise<void> {
    checkOptionNames('bindTo', options, BIND_EXCHANGE_OPTION_NAMES);
    const bound = this.channel.bindQueue(this.#bindingTo(exchange, options), callOptions(options));
    await unlessNowait(this.channel, options, bound, undefined);
  }

  /** Takes a binding to another exchange back. */
  async unbindFrom(exchange: Exchange | BoundExchange | string, options: BindExchangeOptions = {}): Promise<void> {
    checkOptionNames('unbindFrom', options, BIND_EXCHANGE_OPTION_NAMES);
    const unbound = this.channel.unbindQueue(this.#bindingTo(exchange, options), callOptions(options));
    await unlessNowait(this.channel, options, unbound, undefined);
  }

  #bindingTo(exchange: Exchange | BoundExchange | string, options: BindExchangeOptions) {
    return {
      queue: this.#name,
      exchange: typeof exchange === 'string' ? exchange : exchange.name,
      routingKey: options.routingKey ?? '',
      arguments: frozenArguments(`Queue '${this.#name}'`, 'arguments', options.arguments),
    };
  }

  /**
   * Takes one message, or undefined when there is none. It has to be settled, unless `noAck` (default: as the queue says).
   * A message that `accept` refuses is handled as a Consumer handles it: `onDecodeError`, or it is rejected, and the call
   * rejects with ContentDisallowed or DecodeError.
   */
  get(options: GetOptions<T> = {}): Promise<Message<T> | undefined> {
    return getMessage(this, options);
  }

  /** Starts a consumer with `onMessage`; resolves with its tag. A Consumer does more. */
  consume(options: QueueConsumeOptions<T>): Promise<string> {
    this.#consumers ??= new QueueConsumers<T>(this);
    return this.#consumers.start(options);
  }

  /** Ends the consumer with this tag. What was not handed over goes back to the queue. */
  async cancel(consumerTag: string): Promise<void> {
    if (this.#consumers === undefined) await this.channel.cancel(consumerTag);
    else await this.#consumers.cancel(consumerTag);
  }

  /** Removes the messages that are ready; resolves with how many. */
  async purge(options: CallOptions & NowaitOptions = {}): Promise<number> {
    checkOptionNames('purge', options, NOWAIT_OPTION_NAMES);
    return unlessNowait(this.channel, options, this.channel.purgeQueue(this.#name, callOptions(options)), 0);
  }

  /** Deletes it; resolves with how many messages were in it. One that is not there counts as deleted. */
  async delete(options: DeleteQueueOptions = {}): Promise<number> {
    checkOptionNames('delete', options, DELETE_NAMES);
    const deleting = this.channel.deleteQueue(this.#name, {
      ...callOptions(options),
      ...(options.ifUnused ? { ifUnused: true } : {}),
      ...(options.ifEmpty ? { ifEmpty: true } : {}),
    });
    return unlessNowait(this.channel, options, deleting, 0);
  }

  /** For logs and error messages. */
  toString(): string {
    return `Queue '${this.#name}'`;
  }
}
