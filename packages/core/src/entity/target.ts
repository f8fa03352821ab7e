import type { Channel } from '../connection/channel.js';
import type { Connection } from '../connection/connection.js';
import { InvalidOptionError } from '../errors/index.js';

/** Where an entity, a producer or a consumer works: a channel, or a connection, which gives one. */
export type ChannelOrConnection = Channel | Connection;

/** Whether `target` is a channel (which knows its connection). */
export function isChannel(target: ChannelOrConnection): target is Channel {
  if (typeof target !== 'object' || target === null) {
    throw new InvalidOptionError('a Channel or a Connection is needed here');
  }
  return 'connection' in target;
}

/** The channel itself, or the default channel of the connection. */
export function channelOf(target: ChannelOrConnection): Channel {
  return isChannel(target) ? target : target.defaultChannel;
}
