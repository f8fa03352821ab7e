import { NotSupportedError } from '../errors/index.js';
import type { DeleteOptions, Channel as TransportChannel } from '../transport/channel.js';

/** The options of a delete, both given. */
export function deleteOptions(o: DeleteOptions): DeleteOptions {
  return { ifUnused: o.ifUnused === true, ifEmpty: o.ifEmpty === true };
}

/** An operation that not every transport has. @throws NotSupportedError where it has not. */
export function required<K extends 'bindExchange' | 'unbindExchange' | 'recover' | 'setChannelPrefetch'>(
  raw: TransportChannel,
  name: K,
): NonNullable<TransportChannel[K]> {
  const method = raw[name];
  if (method === undefined) throw new NotSupportedError(`this transport has no ${name}`);
  return method.bind(raw) as NonNullable<TransportChannel[K]>;
}
