import type { Connection } from '../../connection/connection.js';
import type { Producer } from '../../messaging/producer.js';
import { checkOptionNames } from '../../util/check-options.js';
import { type ConnectionPool, connectionPool } from './connection-pool.js';
import { PoolGroup, type PoolGroupOptions } from './pool-group.js';
import { type ProducerPool, producerPool } from './producer-pool.js';

/** Connection pools by connection parameters. */
export class Connections extends PoolGroup<Connection> {
  protected override create(connection: Connection, limit: number): ConnectionPool {
    return connectionPool(connection, limit);
  }
}

/** What {@link Producers} is made with. */
export interface ProducersOptions extends PoolGroupOptions {
  /** Where the producers take their connections from. Default: a group of its own with the same limit. */
  readonly connections?: Connections | undefined;
}

const NAMES = new Set(['connections', 'limit']);

/** Producer pools by connection parameters. Producers take their connections from connection pools. */
export class Producers extends PoolGroup<Producer> {
  readonly #connections: Connections;
  readonly #ownership: 'own' | 'borrowed';

  /** @throws InvalidOptionError for a limit that is no whole number. */
  constructor(options: ProducersOptions = {}) {
    checkOptionNames('Producers', options, NAMES);
    const { connections, limit } = options;
    super({ limit });
    this.#ownership = connections === undefined ? 'own' : 'borrowed';
    this.#connections = connections ?? new Connections({ limit });
  }

  protected override create(connection: Connection, limit: number): ProducerPool {
    return producerPool(this.#connections.get(connection), limit, connection.clock);
  }

  /** Ends all pools and everything in them; connection pools too, where they are its own. */
  override async reset(): Promise<void> {
    await super.reset();
    if (this.#ownership === 'own') await this.#connections.reset();
  }
}
