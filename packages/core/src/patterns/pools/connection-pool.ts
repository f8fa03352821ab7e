import type { Channel } from '../../connection/channel.js';
import type { Connection } from '../../connection/connection.js';
import { ChannelLimitExceeded, ConnectionLimitExceeded } from '../../errors/index.js';
import { Resource } from './resource.js';

/** A pool of connections with the same settings. */
export type ConnectionPool = Resource<Connection>;

/** A pool of channels of one connection. */
export type ChannelPool = Resource<Channel>;

/** Clones of `connection`, which itself stays out of the pool. They connect when they are first used. */
export function connectionPool(connection: Connection, limit?: number): ConnectionPool {
  return new Resource<Connection>(
    {
      name: 'the connection pool',
      create: () => connection.clone(),
      dispose: (resource) => resource.close(),
      isUsable: ({ state }) => state !== 'closed' && state !== 'closing',
      lend: (resource, giveBack) => resource.loan.lend(giveBack),
      watch: (resource, gone) => resource.once('closed', gone),
      limitExceeded: (message) => new ConnectionLimitExceeded(message),
      clock: connection.clock,
    },
    limit,
  );
}

/** Channels of `connection`. They open themselves when they are first used. */
export function channelPool(connection: Connection, limit?: number): ChannelPool {
  return new Resource<Channel>(
    {
      name: 'the channel pool',
      create: () => connection.channel(),
      dispose: (channel) => channel.close(),
      isUsable: ({ state }) => state !== 'closed',
      lend: (channel, giveBack) => channel.loan.lend(giveBack),
      watch: (channel, gone) => void channel.closed.then(gone),
      limitExceeded: (message) => new ChannelLimitExceeded(message),
      clock: connection.clock,
    },
    limit,
  );
}
