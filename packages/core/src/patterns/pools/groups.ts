import type { Connection } from '../../connection/connection.js';
import type { Producer } from '../../messaging/producer.js';
import { type ConnectionPool, connectionPool } from './connection-pool.js';
import { PoolGroup, type useDefaultLimit } from './pool-group.js';
import { type ProducerPool, producerPool } from './producer-pool.js';

/** Connection pools by connection parameters. */
export class Connections extends PoolGroup<Connection> {
  protected override create(connection: Connection, limit: number): ConnectionPool {
    return connectionPool(connection, limit);
  }
}

/** Producer pools by connection parameters. Producers take their connections from the pools of `connections`. */
export class Producers extends PoolGroup<Producer> {
  readonly #connections: Connections;

  /** @param limit how many producers each pool gives out at a time. */
  constructor(connections: Connections, limit?: number | typeof useDefaultLimit) {
    super(limit);
    this.#connections = connections;
  }

  protected override create(connection: Connection, limit: number): ProducerPool {
    return producerPool(this.#connections.get(connection), limit, connection.clock);
  }
}
