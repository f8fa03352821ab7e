import type { Connection } from '../../connection/connection.js';
import { LimitExceeded } from '../../errors/index.js';
import type { Producer } from '../../messaging/producer.js';
import type { Clock } from '../../util/clock.js';
import type { ConnectionPool } from './connection-pool.js';
import { Resource } from './resource.js';

/** A pool of producers. */
export type ProducerPool = Resource<Producer>;

/**
 * Producers on connections of a pool: each holds one of them as long as it is in use. Every connection keeps its producer, so
 * that what it has declared need not be declared again.
 */
export function producerPool(connections: ConnectionPool, limit?: number, clock?: Clock): ProducerPool {
  const made = new WeakMap<Connection, Producer>();
  const producerOf = (connection: Connection): Producer => {
    const known = made.get(connection);
    if (known !== undefined && known.channel.state !== 'closed') return known;
    const producer = connection.producer();
    made.set(connection, producer);
    return producer;
  };
  return new Resource<Producer>(
    {
      name: 'the producer pool',
      create: async (signal) => producerOf(await connections.acquire({ signal })),
      dispose: ({ connection }) => connections.release(connection),
      keep: false,
      lend: (producer, giveBack) => producer.loan.lend(giveBack),
      limitExceeded: (message) => new LimitExceeded('CONNECTION_LIMIT', message),
      ...(clock === undefined ? {} : { clock }),
    },
    limit,
  );
}
