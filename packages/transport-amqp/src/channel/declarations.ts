import {
  type Arguments,
  type BindingSpec,
  type DeleteOptions,
  type ExchangeBindingSpec,
  type ExchangeSpec,
  InvalidOptionError,
  type Op,
  type QueueInfo,
  type QueueSpec,
  throwIfAborted,
  waitOrAbort,
} from '@kombu/core';
import type { Channel } from 'amqplib';
import { toAmqplibTable } from '../driver/arguments.js';
import type { LinkCore } from '../link/link-core.js';
import { channelError } from '../translate-error.js';
import { fitsShort } from '../wire/text.js';

/** Names go as short strings; amqplib must not find out half-way that one does not fit. */
export function assertName(what: string, name: string): void {
  if (typeof name !== 'string') throw new InvalidOptionError(`${what}: has to be a string, not ${typeof name}`);
  if (!fitsShort(name)) throw new InvalidOptionError(`${what}: "${name.slice(0, 40)}..." is longer than 255 bytes`);
  if (/[\r\n]/.test(name)) {
    const given = JSON.stringify(name);
    throw new InvalidOptionError(`${what}: RabbitMQ takes line breaks out of names, so ${given} would be another one`);
  }
}

/** Declares, binds, purges and deletes for one level-1 channel, in call order, on the utility channels of its link. */
export class Declarations {
  readonly #link: LinkCore;
  readonly #assertOpen: () => void;
  #last: Promise<unknown> = Promise.resolve();

  /** `assertOpen` throws when the level-1 channel is not open. */
  constructor(link: LinkCore, assertOpen: () => void) {
    this.#link = link;
    this.#assertOpen = assertOpen;
  }

  async exchange(exchange: ExchangeSpec, o?: Op): Promise<void> {
    const { name, type, durable, autoDelete, passive } = exchange;
    assertName('exchange', name);
    assertName('type', type);
    const options = { durable, autoDelete, arguments: toAmqplibTable(exchange.arguments) };
    const { exchangeTypes } = this.#link;
    const declare = (channel: Channel): Promise<unknown> =>
      passive ? channel.checkExchange(name) : channel.assertExchange(name, type, options);
    await this.#run('declaring exchange', name, o, async (channel) => {
      // RabbitMQ ends the connection over a type that it does not have; no other declaration says whether it has one.
      if (!passive && !exchangeTypes.has(type)) await this.#link.elsewhere(declare);
      await declare(channel);
      if (!passive) exchangeTypes.add(type);
    });
    this.#link.exchanges.add(name);
  }

  async deleteExchange(name: string, o?: DeleteOptions & Op): Promise<void> {
    assertName('exchange', name);
    this.#link.exchanges.delete(name);
    const ifUnused = o?.ifUnused ?? false;
    await this.#run('deleting exchange', name, o, (channel) => channel.deleteExchange(name, { ifUnused }));
    this.#link.exchanges.delete(name);
  }

  async queue(queue: QueueSpec, o?: Op): Promise<QueueInfo> {
    const { name, durable, exclusive, autoDelete, passive } = queue;
    assertName('queue', name);
    const options = { durable, exclusive, autoDelete, arguments: toAmqplibTable(queue.arguments) };
    const info = await this.#run('declaring queue', name, o, (channel) =>
      passive ? channel.checkQueue(name) : channel.assertQueue(name, options),
    );
    if (!passive) this.#link.queueKinds.declared(queue, info.queue);
    return info;
  }

  async deleteQueue(name: string, o?: DeleteOptions & Op): Promise<number> {
    assertName('queue', name);
    const conditions = { ifUnused: o?.ifUnused ?? false, ifEmpty: o?.ifEmpty ?? false };
    const reply = await this.#run('deleting queue', name, o, (channel) => channel.deleteQueue(name, conditions));
    this.#link.queueKinds.deleted(name);
    return reply.messageCount;
  }

  async purgeQueue(name: string, o?: Op): Promise<number> {
    assertName('queue', name);
    this.#link.queueKinds.refuseStream(name, 'purge');
    const reply = await this.#run('purging queue', name, o, (channel) => channel.purgeQueue(name));
    return reply.messageCount;
  }

  async bindQueue(verb: 'bindQueue' | 'unbindQueue', b: BindingSpec, o?: Op): Promise<void> {
    const table = this.#binding('queue', b.queue, b.exchange, b.routingKey, b.arguments);
    await this.#run(verb === 'bindQueue' ? 'binding queue' : 'unbinding queue', b.queue, o, (channel) =>
      channel[verb](b.queue, b.exchange, b.routingKey, table),
    );
  }

  async bindExchange(verb: 'bindExchange' | 'unbindExchange', b: ExchangeBindingSpec, o?: Op): Promise<void> {
    const table = this.#binding('destination', b.destination, b.source, b.routingKey, b.arguments);
    const what = verb === 'bindExchange' ? 'binding exchange' : 'unbinding exchange';
    await this.#run(what, b.destination, o, (channel) => channel[verb](b.destination, b.source, b.routingKey, table));
  }

  #binding(
    what: string,
    name: string,
    exchange: string,
    routingKey: string,
    table: Arguments,
  ): Record<string, unknown> {
    assertName(what, name);
    assertName('exchange', exchange);
    assertName('routingKey', routingKey);
    return toAmqplibTable(table);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #run<T>(
    verb: string,
    subject: string,
    o: Op | undefined,
    operation: (channel: Channel) => Promise<T>,
  ): Promise<T> {
    const what = `${verb} "${subject}"`;
    this.#assertOpen();
    throwIfAborted(o?.signal, what);
    const done = this.#last.then(() => {
      throwIfAborted(o?.signal, what);
      this.#assertOpen();
      return this.#link.utility.run(operation);
    });
    this.#last = done.catch(() => {});
    try {
      return await waitOrAbort(done, o?.signal, what);
    } catch (error) {
      throw channelError(error, this.#link.lostBecause, subject);
    }
  }
}
