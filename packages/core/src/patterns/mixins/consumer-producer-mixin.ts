import type { Channel } from '../../connection/channel.js';
import type { Connection } from '../../connection/connection.js';
import type { Producer } from '../../messaging/producer.js';
import { ConsumerMixin } from './consumer-mixin.js';

/**
 * A {@link ConsumerMixin} that publishes, too, over a connection of its own: so that a broker that holds publishers back does
 * not hold back what is consumed.
 */
export abstract class ConsumerProducerMixin extends ConsumerMixin {
  #connection: Connection | undefined;
  #producer: Producer | undefined;

  /** The connection for publishing; made when it is first asked for, and closed when consuming ends. */
  get producerConnection(): Connection {
    this.#connection ??= this.connection.clone();
    return this.#connection;
  }

  /** What publishes. */
  get producer(): Producer {
    this.#producer ??= this.producerConnection.producer();
    return this.#producer;
  }

  /** Closes the connection for publishing. Who overrides it calls it, too. */
  override async onConsumeEnd(_connection: Connection, _channel: Channel): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#producer = undefined;
    await connection?.close();
  }
}
