import { NotSupportedError } from '../errors/index.js';
import type { DeleteOptions, Channel as TransportChannel } from '../transport/channel.js';

/** What of a call's options is meant for the broker. */
export function deleteOptions(o: DeleteOptions): DeleteOptions {
  return { ifUnused: o.ifUnused === true, ifEmpty: o.ifEmpty === true };
}

/** A member that not every transport has; NotSupportedError where it is missing. */
export function required<K extends 'bindExchange' | 'unbindExchange' | 'recover' | 'setChannelPrefetch'>(
  raw: TransportChannel,
  name: K,
): NonNullable<TransportChannel[K]> {
  const method = raw[name];
  if (method === undefined) throw new NotSupportedError(`this transport has no ${name}`);
  return method.bind(raw) as NonNullable<TransportChannel[K]>;
}
