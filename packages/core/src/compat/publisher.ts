import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import { Producer, type ProducerOptions } from '../messaging/producer.js';
import type { PublishOptions } from '../messaging/publish-options.js';
import { type CarrotExchangeOptions, exchangeFrom } from './exchange-options.js';

/** What a {@link Publisher} is made with. */
export interface PublisherOptions extends CarrotExchangeOptions, Omit<ProducerOptions, 'exchange'> {
  /** The channel to publish on. Default: one of its own. */
  readonly channel?: Channel | undefined;
}

/** Carrot's publisher. New code uses `Producer`. */
export class Publisher extends Producer {
  /** @throws InvalidOptionError for an unknown option or a value of the wrong kind. */
  constructor(connection: Connection, options: PublisherOptions = {}) {
    const { channel, exchange, exchangeType, durable, autoDelete, ...producerOptions } = options;
    const declaration = exchangeFrom({ exchange, exchangeType, durable, autoDelete });
    super(channel ?? connection, { ...producerOptions, exchange: declaration });
  }

  /** The channel that it publishes on. */
  get backend(): Channel {
    return this.channel;
  }

  /** The same as `publish`. */
  send(body: unknown, options?: PublishOptions): Promise<void> {
    return this.publish(body, options);
  }
}
