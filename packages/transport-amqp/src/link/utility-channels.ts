import { deferred } from '@kombu/core';
import type { Channel, ChannelModel } from 'amqplib';
import { closeChannel, openChannel } from '../driver/open-channel.js';

/** Enough that a slow declaration does not hold up the others, few enough for brokers with a small channel limit. */
const LIMIT = 4;

/**
 * The AMQP channels of a link on which queues and exchanges are declared, bound, purged and deleted. One operation at a time
 * on each; an operation that fails takes its channel with it, and nobody else is on it.
 */
export class UtilityChannels {
  readonly #model: ChannelModel;
  readonly #idle: Channel[] = [];
  readonly #waiting: (() => void)[] = [];
  #inUse = 0;

  constructor(model: ChannelModel) {
    this.#model = model;
  }

  /** Whether an operation is under way. */
  get busy(): boolean {
    return this.#inUse > 0;
  }

  /** Runs one operation; rejects with what the driver rejected with. */
  async run<T>(operation: (channel: Channel) => Promise<T>): Promise<T> {
    while (this.#inUse >= LIMIT) {
      const turn = deferred();
      this.#waiting.push(turn.resolve);
      await turn.promise;
    }
    this.#inUse++;
    let channel: Channel | undefined;
    try {
      channel = this.#idle.pop() ?? (await this.#open());
      const result = await operation(channel);
      this.#idle.push(channel);
      return result;
    } catch (error) {
      // A channel whose request could not even be encoded waits for an answer for ever: it goes too.
      if (channel !== undefined) void closeChannel(channel);
      throw error;
    } finally {
      this.#inUse--;
      this.#waiting.shift()?.();
    }
  }

  async #open(): Promise<Channel> {
    const channel = await openChannel(this.#model, {
      died: () => {
        const at = this.#idle.indexOf(channel);
        if (at >= 0) this.#idle.splice(at, 1);
      },
    });
    return channel;
  }
}
