import { ChannelError } from '@kombu/core';

/** ACCESS_REFUSED for a queue whose list would be one of the keys that the broker keeps its own data in. */
export function takenName(queue: string): ChannelError {
  return new ChannelError('ACCESS_REFUSED', `a queue cannot be called '${queue}': the broker keeps its own data there`);
}
